/** What each kind of task does with what was asked of it. */
import type { EntityManager } from 'typeorm';
import { z } from 'zod';
import { findDuplicates } from '../../datasets/duplicates/findDuplicates.js';
import { EnrichmentKind, enrich } from '../../catalog/enrichment/index.js';
import { exportVersion } from '../../datasets/export/exportVersion.js';
import { FORMATS } from '../../datasets/formats/write/archive.js';
import { importLabels } from '../../datasets/import/importLabels.js';
import { IMPORT_FORMATS } from '../../datasets/import/source.js';
import { unpackLabels } from '../../datasets/import/unpack.js';
import { importPredictions } from '../../experiments/predictions/importPredictions.js';
import { PREDICTION_FORMATS } from '../../experiments/predictions/read.js';
import { Split } from '../../catalog/vocabulary.js';
import { promote } from '../../models/promotion/promote.js';
import type { TaskContext, TaskFile } from '../../platform/task.js';
import { purge } from '../../retention/purge.js';
import { collectOrphans } from '../../retention/collectOrphans.js';
import { VARIANTS } from '../../training/variants/names.js';
import { batchPrediction } from '../../use/batch/batchPrediction.js';
import { exportModel } from '../../use/export/exportModel.js';
import { JobKind, type TaskKind } from '../vocabulary.js';
import type { TaskConfig } from './protocol.js';

export interface TaskRequest {
  projectUuid: string;
  config: TaskConfig;
  /** The column `input` of the job. */
  input: unknown;
}

export interface TaskOutcome {
  report: object;
  files?: TaskFile[];
  /** Writes within the transaction that ends the job: with it, or not at all. */
  settle?: (manager: EntityManager) => Promise<void>;
}

const exportInput = z.strictObject({
  versionUuid: z.uuid(),
  format: z.enum(FORMATS),
  pictures: z.boolean(),
});
const importInput = z.strictObject({
  sha256: z.string(),
  fileName: z.string(),
  format: z.enum(IMPORT_FORMATS),
  lenient: z.boolean(),
  timeZone: z.string().nullable(),
});
const enrichmentInput = z.strictObject({
  kind: z.enum(EnrichmentKind),
  where: z.record(z.string(), z.unknown()).nullable(),
  minScore: z.number(),
  tiles: z.boolean(),
  again: z.boolean(),
});
const duplicatesInput = z.strictObject({
  where: z.record(z.string(), z.unknown()).nullable(),
  distance: z.number(),
  maxPairs: z.number(),
});
const predictionsInput = z.strictObject({
  evaluationUuid: z.uuid(),
  sha256: z.string(),
  fileName: z.string(),
  format: z.enum(PREDICTION_FORMATS),
  lenient: z.boolean(),
  // Missing in jobs that were started before there was such a thing.
  classes: z.array(z.string()).nullable().default(null),
  trainingKnown: z.boolean().default(false),
});
const modelExportInput = z.strictObject({
  experimentUuid: z.uuid(),
  versionUuid: z.uuid().nullable(),
  split: z.enum(Split),
  protocolUuid: z.uuid(),
  variants: z.array(z.enum(VARIANTS)),
  sample: z.int(),
  seed: z.int(),
  bound: z.strictObject({ maxChangedShare: z.number(), maxScoreDifference: z.number().nullable() }),
});
const batchPredictionInput = z.strictObject({
  experimentUuid: z.uuid(),
  where: z.record(z.string(), z.unknown()).nullable(),
  minScore: z.number(),
});

const gateInput = z.strictObject({
  experimentUuid: z.uuid(),
  modelUuid: z.uuid(),
  description: z.string().nullable(),
  alias: z.string().nullable(),
  reason: z.string().nullable(),
  failUnlessPassed: z.boolean(),
  actor: z.string(),
});

const purgeInput = z.strictObject({
  experimentUuids: z.array(z.uuid()).nullable(),
  dryRun: z.boolean(),
});
const orphansInput = z.strictObject({
  dryRun: z.boolean(),
  graceHours: z.number(),
  takeStore: z.boolean().default(false),
});

/** What a start mutation writes into the job's row, by kind; checked again where it is read. */
export interface TaskInputs {
  [JobKind.IMPORT]: z.infer<typeof importInput>;
  [JobKind.EXPORT]: z.infer<typeof exportInput>;
  [JobKind.ENRICHMENT]: z.infer<typeof enrichmentInput>;
  [JobKind.NEAR_DUPLICATES]: z.infer<typeof duplicatesInput>;
  [JobKind.PREDICTIONS]: z.infer<typeof predictionsInput>;
  [JobKind.MODEL_EXPORT]: z.infer<typeof modelExportInput>;
  [JobKind.BATCH_PREDICTION]: z.infer<typeof batchPredictionInput>;
  [JobKind.GATE]: z.infer<typeof gateInput>;
  [JobKind.PURGE]: z.infer<typeof purgeInput>;
  [JobKind.ORPHANS]: z.infer<typeof orphansInput>;
}

/** The checkpoint of each is of its own form, and nobody else's business. */
type Task = (task: TaskContext<never>, request: TaskRequest) => Promise<TaskOutcome>;

export const TASKS: Record<TaskKind, Task> = {
  [JobKind.IMPORT]: async (task, { projectUuid, input }) => {
    const { sha256, fileName, ...options } = importInput.parse(input);
    const source = await unpackLabels(task, { sha256, fileName });
    return { report: await importLabels(task, { projectUuid, source, ...options }) };
  },
  [JobKind.ENRICHMENT]: async (task, { projectUuid, config, input }) => ({
    report: await enrich(task, { projectUuid, engine: config.engine, ...enrichmentInput.parse(input) }),
  }),
  [JobKind.EXPORT]: (task, { input }) => exportVersion(task, exportInput.parse(input)),
  [JobKind.NEAR_DUPLICATES]: (task, { projectUuid, input }) =>
    findDuplicates(task, { projectUuid, ...duplicatesInput.parse(input) }),
  [JobKind.PREDICTIONS]: (task, { input }) => importPredictions(task, predictionsInput.parse(input)),
  [JobKind.MODEL_EXPORT]: (task, { config, input }) =>
    exportModel(task, { engine: config.engine, ...modelExportInput.parse(input) }),
  [JobKind.BATCH_PREDICTION]: async (task, { projectUuid, config, input }) => ({
    report: await batchPrediction(task, {
      ...{ projectUuid, engine: config.engine },
      ...batchPredictionInput.parse(input),
    }),
  }),
  [JobKind.GATE]: async (task, { input }) => ({ report: await promote(task, gateInput.parse(input)) }),
  [JobKind.PURGE]: async (task, { projectUuid, input }) => ({
    report: await purge(task, { projectUuid, ...purgeInput.parse(input) }),
  }),
  [JobKind.ORPHANS]: async (task, { input }) => ({
    report: await collectOrphans(task, orphansInput.parse(input)),
  }),
};
