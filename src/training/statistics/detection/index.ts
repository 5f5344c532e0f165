/** Detection statistics: match each image once, keep what came of it, and read any figure of any slice off that. */
export { bootstrapCells, bootstrapDifferences } from './bootstrap.js';
export type { CellDifference, CellInterval, DetectionBootstrapOptions } from './bootstrap.js';
export type { Cell, CellValue, DetectionMetric } from './cells.js';
export { DetectionSet } from './detectionSet.js';
export { cellValues, confusionOf, curvesOf, summarise } from './figures.js';
export type { DetectionConfusion, DetectionFigures, PrecisionRecallCurve, SizeFigures } from './figures.js';
export { matchImage } from './matchImage.js';
export { ERROR_TYPES } from './matches.js';
export type { DetectionMatches, ErrorType, ImageMatches, Presence, TruthMatches } from './matches.js';
export { mcnemarOfDetections } from './pairs.js';
export { packMatches, unpackMatches } from './pack.js';
export { COCO_AREA_BOUNDS, COCO_IOU_THRESHOLDS, COCO_PROTOCOL, FOUND_IOU, sizeRanges } from './protocol.js';
export type { Detected, DetectionProtocol, SizeRange, Truth } from './protocol.js';
