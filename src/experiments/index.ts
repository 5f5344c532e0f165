import { Artifact } from './artifact.js';
import { ArtifactResolver } from './artifactResolver.js';
import { Evaluation } from './evaluation.js';
import { EvaluationConditionResolver, EvaluationResolver } from './evaluationResolver.js';
import { EventResolver } from './events/eventResolver.js';
import { Experiment } from './experiment.js';
import { ExperimentResolver } from './experimentResolver.js';
import { LoggingResolver } from './logging/loggingResolver.js';
import { EvaluationProtocol } from './protocol/protocol.js';
import { ProtocolResolver } from './protocol/protocolResolver.js';
import { SliceResolver } from './sliceResolver.js';

export const experimentEntities = [Experiment, Evaluation, EvaluationProtocol, Artifact];
export const experimentResolvers = [
  ExperimentResolver,
  EvaluationResolver,
  EvaluationConditionResolver,
  ProtocolResolver,
  SliceResolver,
  ArtifactResolver,
  EventResolver,
  LoggingResolver,
] as const;
