/** What goes with an exported model, for people and for programs. */
import type { ModelExportReport } from './exportModel.js';

export interface CardAbout {
  experiment: string;
  dataset: string;
  version: string;
  classes: string[];
}

export const cardOf = (report: ModelExportReport, about: CardAbout): string =>
  `${JSON.stringify({ card: 1, ...about, ...report }, null, 2)}\n`;

const READS = `How a box in a picture becomes its input
is in preprocessing.json: cut the box with its margin, resize it, then input = byte × scale + offset.`;
const DETECTS = `How a frame becomes its input,
and its two outputs boxes, is in preprocessing.json: stretch the frame to the input's size, then input = byte × scale + offset;
a peak of \`heat\` is a light, and \`box\` of its cell says where and how large.`;

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

export function readmeOf(report: ModelExportReport, about: CardAbout): string {
  const { task, dataId, split, seed, samples, engine, variants, bound } = report;
  const detects = task === 'LIGHT_DETECTION';
  const rows = variants.map(
    ({ variant, weightBytes, drift, verdict }) =>
      `| ${variant.toLowerCase()}/ | ${weightBytes} | ${drift.changed} of ${drift.n} (at most ${percent(drift.changedUpper)}) | ` +
      `${drift.maxScoreDifference ?? 'not a number'} | ${percent(drift.accuracy)} (${percent(drift.accuracyDifference)}) | ${verdict} |`,
  );
  return `# ${about.experiment}

Task ${task}; classes ${about.classes.join(', ')}, in the order of the scores. Trained on ${about.dataset} ${about.version},
data id ${dataId}.

| folder | bytes of weights | decisions changed | largest difference of a score | ${detects ? 'recall' : 'accuracy'} (change) | verdict |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Compared with the model that was evaluated on ${samples} ${detects ? 'frames' : 'lights'} of the ${split} split (seed ${seed}, engine ${engine});
the interval is Wilson's 95 %. Published because at most ${percent(bound.maxChangedShare)} of the decisions are changed.

Each folder is a TensorFlow.js layers model: \`tf.loadLayersModel('…/model.json')\`. ${detects ? DETECTS : READS}
`;
}
