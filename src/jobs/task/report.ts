/** What came of a task, in the form of its kind. */
import { createUnionType } from 'type-graphql';
import type { Job } from '../job.js';
import { JobKind } from '../vocabulary.js';
import { BatchPredictionReport } from './batchPredictionReport.js';
import { DuplicatesReport } from './duplicatesReport.js';
import { EnrichmentReport } from './enrichmentReport.js';
import { ExportReport } from './exportReport.js';
import { GateJobReport } from './gateJobReport.js';
import { ImportReport } from './importReport.js';
import { PredictionsReport } from './predictionsReport.js';
import { ModelExportReport } from './modelExportReport.js';
import { PurgeReport } from './purgeReport.js';
import { OrphansReport } from './orphansReport.js';

const CLASSES = {
  [JobKind.IMPORT]: ImportReport,
  [JobKind.EXPORT]: ExportReport,
  [JobKind.ENRICHMENT]: EnrichmentReport,
  [JobKind.NEAR_DUPLICATES]: DuplicatesReport,
  [JobKind.PREDICTIONS]: PredictionsReport,
  [JobKind.MODEL_EXPORT]: ModelExportReport,
  [JobKind.BATCH_PREDICTION]: BatchPredictionReport,
  [JobKind.GATE]: GateJobReport,
  [JobKind.PURGE]: PurgeReport,
  [JobKind.ORPHANS]: OrphansReport,
};
type Report = (typeof CLASSES)[keyof typeof CLASSES];

export const JobReport = createUnionType({
  name: 'JobReport',
  description: 'What came of a job that is no training, by its kind.',
  types: () => Object.values(CLASSES) as [Report, ...Report[]],
});

export function reportOf(job: Job): object | null {
  const type = CLASSES[job.kind as keyof typeof CLASSES];
  return type && job.report ? Object.assign(new type(), job.report) : null;
}
