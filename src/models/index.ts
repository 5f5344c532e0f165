import { Model } from './model.js';
import { ModelResolver } from './modelResolver.js';

export const modelEntities = [Model];
export const modelResolvers = [ModelResolver] as const;
