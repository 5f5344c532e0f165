import { RetentionResolver } from './retentionResolver.js';

export const retentionResolvers = [RetentionResolver] as const;
