export { DEFAULT_MIN_SCORE } from '../../training/detector/minScore.js';
export { checkEnrichment, enrich, type EnrichCheckpoint, type EnrichOptions } from './enrich.js';
export { EnrichmentKind, type EnrichmentReport, type FailedImage, type SkipReason } from './report.js';
