import { Dataset } from './dataset.js';
import { DatasetResolver, DatasetVersionResolver } from './datasetResolver.js';
import { DatasetVersion } from './datasetVersion.js';

export const datasetEntities = [Dataset, DatasetVersion];
export const datasetResolvers = [DatasetResolver, DatasetVersionResolver] as const;
