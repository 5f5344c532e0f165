/** A trainer elsewhere, as its requests: a project, a model, and the mutations that log. */
import { startTestService, type TestService } from '../../../support/service.js';

export interface Logged {
  firstSeq: number | null;
  lastSeq: number | null;
  userErrors: { code: string; field: string[] | null; message: string }[];
}

export const LOG = `firstSeq lastSeq userErrors { code field message }`;
const mutation = (name: string, input: string) =>
  `mutation ($input: ${input}!) { ${name}(input: $input) { ${LOG} } }`;
const MUTATIONS = {
  logMetrics: mutation('logMetrics', 'LogMetricsInput'),
  logParameters: mutation('logParameters', 'LogParametersInput'),
  logArtifact: mutation('logArtifact', 'LogArtifactInput'),
  logEvaluation: mutation('logEvaluation', 'LogEvaluationInput'),
  finishExperiment: mutation('finishExperiment', 'FinishExperimentInput'),
};

export interface LoggingWorld extends TestService {
  projectId: string;
  modelId: string;
  create(
    input?: object,
  ): Promise<{ id: string; name: string; state: string; userErrors: { code: string }[] }>;
  log(name: keyof typeof MUTATIONS, input: object): Promise<Logged>;
}

export async function startLogging(): Promise<LoggingWorld> {
  const service = await startTestService();
  const { createProject } = await service.ok(
    'mutation { createProject(input: { name: "logs" }) { project { id } userErrors { code } } }',
  );
  const { createModel } = await service.ok(
    'mutation { createModel(input: { projectId: "logs", name: "lights" }) { model { id } userErrors { code } } }',
  );
  let made = 0;
  return {
    ...service,
    projectId: createProject.project.id,
    modelId: createModel.model.id,
    create: async (input = {}) => {
      const given = {
        ...{ modelId: 'logs/lights', task: 'LIGHT_DETECTION', algorithm: 'yolo', name: `e${++made}` },
        ...input,
      };
      const { data, errors } = await service.ask(
        `mutation ($input: CreateExperimentInput!) { createExperiment(input: $input) {
           experiment { id name state } userErrors { code field message } } }`,
        { input: given },
      );
      if (errors) throw new Error(JSON.stringify(errors));
      return { ...data.createExperiment.experiment, userErrors: data.createExperiment.userErrors };
    },
    log: async (name, input) => {
      const { data, errors } = await service.ask(MUTATIONS[name], { input });
      if (errors) throw new Error(JSON.stringify(errors));
      return data[name];
    },
  };
}

export const points = (count: number, name = 'loss') =>
  Array.from({ length: count }, (_, step) => ({ name, split: 'TRAIN', step, value: 1 / (step + 1) }));
