import { Dataset } from './dataset.js';
import { DatasetResolver, DatasetVersionResolver } from './datasetResolver.js';
import { DatasetVersion } from './datasetVersion.js';
import { lineageResolvers } from './lineageResolver.js';
import { DiffImageResolver, LeakExampleResolver, ReportResolver } from './reportResolver.js';

export const datasetEntities = [Dataset, DatasetVersion];
export const datasetResolvers = [
  DatasetResolver,
  DatasetVersionResolver,
  ReportResolver,
  LeakExampleResolver,
  DiffImageResolver,
  ...lineageResolvers,
] as const;
