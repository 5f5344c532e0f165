import { Artifact } from './artifact.js';
import { ArtifactResolver } from './artifactResolver.js';
import { CompareResolver } from './compare/compareResolver.js';
import { curveResolvers } from './curves/curveResolver.js';
import { Evaluation } from './evaluation.js';
import { EvaluationConditionResolver, EvaluationResolver } from './evaluationResolver.js';
import { DeletionResolver } from './deletion/deletionResolver.js';
import { EventResolver } from './events/eventResolver.js';
import { Experiment } from './experiment.js';
import { ExperimentResolver } from './experimentResolver.js';
import { lineageResolvers } from './lineageResolver.js';
import { ExperimentNote } from './notes/note.js';
import { noteResolvers } from './notes/noteResolver.js';
import { LoggingResolver } from './logging/loggingResolver.js';
import { EvaluationProtocol } from './protocol/protocol.js';
import { ProtocolResolver } from './protocol/protocolResolver.js';
import { SliceResolver } from './sliceResolver.js';

export const experimentEntities = [Experiment, Evaluation, EvaluationProtocol, Artifact, ExperimentNote];
export const experimentResolvers = [
  ExperimentResolver,
  DeletionResolver,
  EvaluationResolver,
  EvaluationConditionResolver,
  ProtocolResolver,
  SliceResolver,
  ArtifactResolver,
  EventResolver,
  CompareResolver,
  ...curveResolvers,
  ...lineageResolvers,
  ...noteResolvers,
  LoggingResolver,
] as const;
