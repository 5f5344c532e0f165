import { Artifact } from './artifact.js';
import { ArtifactResolver } from './artifactResolver.js';
import { Evaluation } from './evaluation.js';
import { EvaluationResolver } from './evaluationResolver.js';
import { EventResolver } from './events/eventResolver.js';
import { Experiment } from './experiment.js';
import { ExperimentResolver } from './experimentResolver.js';

export const experimentEntities = [Experiment, Evaluation, Artifact];
export const experimentResolvers = [
  ExperimentResolver,
  EvaluationResolver,
  ArtifactResolver,
  EventResolver,
] as const;
