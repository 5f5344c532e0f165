import { PredictedLightResolver, PredictionResolver } from './predict/predictResolver.js';

export const useResolvers = [PredictionResolver, PredictedLightResolver] as const;
