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

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

export function readmeOf(report: ModelExportReport, about: CardAbout): string {
  const { task, dataId, split, seed, engine, variants, bound } = report;
  const rows = variants.map(
    ({ variant, weightBytes, drift, verdict }) =>
      `| ${variant.toLowerCase()}/ | ${weightBytes} | ${drift.changed} of ${drift.n} (at most ${percent(drift.changedUpper)}) | ` +
      `${drift.maxScoreDifference ?? 'not a number'} | ${percent(drift.accuracy)} (${percent(drift.accuracyDifference)}) | ${verdict} |`,
  );
  return `# ${about.experiment}

Task ${task}; classes ${about.classes.join(', ')}, in the order of the scores. Trained on ${about.dataset} ${about.version},
data id ${dataId}.

| folder | bytes of weights | decisions changed | largest difference of a score | accuracy (change) | verdict |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Compared with the model that was evaluated on ${variants[0]?.drift.n ?? 0} samples of the ${split} split (seed ${seed}, engine ${engine});
the interval is Wilson's 95 %. Published because at most ${percent(bound.maxChangedShare)} of the decisions are changed.

Each folder is a TensorFlow.js layers model: \`tf.loadLayersModel('…/model.json')\`. How a box in a picture becomes its input
is in preprocessing.json: cut the box with its margin, resize it, then input = byte × scale + offset.
`;
}
