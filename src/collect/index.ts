import { CollectNextResolver, CollectionSiteResolver, CoverageQualityResolver } from './collectResolver.js';

export const collectResolvers = [
  CoverageQualityResolver,
  CollectNextResolver,
  CollectionSiteResolver,
] as const;
