/** The labels and detections of a fixture as files of the formats, and what becomes of them. */
import { runTask } from '../../../../src/client/tasks.js';
import { ApiError } from '../../../../src/client/errors.js';
import type { InAndOut, Content, Version } from '../../../support/inAndOut.js';
import { fixture, type Scene } from '../../../unit/training/statistics/scenes.js';

/** Classes 0 to 3 of a fixture; a fifth has no label in `lights`, so that no mean is over it. */
export const COLORS = ['GREEN', 'OFF', 'RED', 'YELLOW'];

export interface Scenes {
  images: Scene[];
  figures: ReturnType<typeof fixture>['figures'];
}

export function colored(name: string): Scenes {
  const { images, figures } = fixture(name);
  const known = <T extends { label: number }>(boxes: T[]) =>
    boxes.filter(({ label }) => label < COLORS.length);
  return {
    figures,
    images: images.map(({ truths, detections }) => ({
      truths: known(truths),
      detections: known(detections),
    })),
  };
}

/** The order of names is another one than that of the file. */
export const fileName = (index: number) => `drive-${index % 7}/frame-${String(index).padStart(3, '0')}.png`;
export const SIZE = { width: 1300, height: 800 };

const categories = COLORS.map((color, label) => ({
  id: label + 1,
  name: `traffic light ${color.toLowerCase()}`,
}));
const images = (scenes: Scene[]) =>
  scenes.map((_, index) => ({
    ...{ id: 1000 + index, file_name: fileName(index), ...SIZE },
    attributes: { timeofday: index % 3 === 0 ? 'night' : 'daytime', weather: 'clear' },
  }));
const bbox = ({ x, y, width, height }: Scene['truths'][number] | Scene['detections'][number]) => [
  x,
  y,
  width,
  height,
];

export function groundTruth(scenes: Scene[]): Content {
  let id = 0;
  const annotations = scenes.flatMap(({ truths }, index) =>
    truths.map((truth) => ({
      ...{ id: (id += 1), image_id: 1000 + index, category_id: truth.label + 1, bbox: bbox(truth) },
      ...{ area: truth.width * truth.height, iscrowd: 0 },
    })),
  );
  return { images: images(scenes), annotations, categories };
}

export const results = (
  scenes: Scene[],
  imageId: (index: number) => number | string = (index) => 1000 + index,
) =>
  scenes.flatMap(({ detections }, index) =>
    detections.map((one) => ({
      ...{ image_id: imageId(index), category_id: one.label + 1, bbox: bbox(one), score: one.score },
    })),
  );

/** Results with the lists that say what their ids mean. */
export const wrapped = (scenes: Scene[]): Content => ({
  annotations: results(scenes),
  categories,
  images: images(scenes),
});

export const jsonl = (scenes: Scene[]): string =>
  scenes
    .map(({ detections }, index) => {
      const boxes = detections.map(({ label, ...box }) => ({ class: COLORS[label], ...box }));
      return `${JSON.stringify({ image: fileName(index), detections: boxes })}\n`;
    })
    .join('');

export interface Imported {
  evaluationId: string | null;
  report: Record<string, any> | null;
  code: string | null;
  message: string | null;
}

const FIELDS = `evaluation { id state n } images imagesWithout detections onUnlabelled onOtherSplits otherCategories
  onUnknownImages unknown { field value count position } trainingKnown`;

export async function modelOf(io: InAndOut, projectId: string): Promise<string> {
  const { createModel } = await io.service.ok(
    'mutation ($input: CreateModelInput!) { createModel(input: $input) { model { id } userErrors { code } } }',
    { input: { projectId, name: `model ${Math.random()}` } },
  );
  return createModel.model.id;
}

export interface Target {
  project: string;
  version: Version;
  modelId?: string;
  modelVersionId?: string;
  protocolId?: string;
}

/** What became of it, whether that is good or bad. */
export async function send(
  io: InAndOut,
  { project, version, ...owner }: Target,
  content: Content,
  input: { format: string; fileName?: string; split?: string; lenient?: boolean; task?: string },
): Promise<Imported> {
  const { fileName: called = input.format === 'JSONL' ? 'found.jsonl' : 'found.json', ...rest } = input;
  const uploadId = await io.upload(project, content, called);
  const asked = {
    datasetVersionId: version.id,
    split: 'TRAIN',
    ...owner,
    name: 'elsewhere',
    uploadId,
    ...rest,
  };
  try {
    const { report } = await runTask<Record<string, any>>(io.client, {
      ...{ projectId: project, start: 'importPredictions', input: asked },
      report: { type: 'PredictionsReport', fields: FIELDS },
    });
    return { evaluationId: report.evaluation.id, report, code: null, message: null };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { evaluationId: null, report: null, code: error.code, message: error.message };
  }
}

export interface CellRow {
  metric: string;
  class: string | null;
  condition: string | null;
  conditionVersion: number | null;
  sizeBin: number | null;
  value: number | null;
  n: number;
  lower: number | null;
  upper: number | null;
  method: string;
  state: string;
}

export async function cellsOf(io: InAndOut, id: string, filter = ''): Promise<CellRow[]> {
  const { evaluation } = await io.service.ok(
    `query ($id: ID!) { evaluation(id: $id) { cells(first: 5000 ${filter}) {
       metric class condition conditionVersion sizeBin value n lower upper method state } } }`,
    { id },
  );
  return evaluation.cells;
}
