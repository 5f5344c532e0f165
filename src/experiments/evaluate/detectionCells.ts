/** Which figures of detections are kept: by name, class and size, and what the statistics call them. */
import type { Cell, DetectionMetric, DetectionSet } from '../../training/statistics/detection/index.js';
import type { Scope } from './scope.js';

export interface AskedCell {
  cell: Cell;
  metric: string;
  class: string | null;
  sizeBin: number | null;
}

/** COCO's sizes by area; the bins of width are the protocol's. */
const AREAS = ['small', 'medium', 'large'];

/** Every metric of every class and of all, in every size; AP by COCO's sizes as metrics of their own. */
export function detectionCells({ classes, protocol }: Scope, set: DetectionSet): AskedCell[] {
  const metrics: DetectionMetric[] = [
    ...(['ap', 'ap50', 'ap75'] as const),
    ...protocol.maxDetections.map((limit) => `ar${limit}` as const),
    ...(['recall', 'precision', 'color_accuracy'] as const),
  ];
  const labels = [null, ...classes.keys()];
  return set.ranges.flatMap(({ kind, bin }, range): AskedCell[] => {
    const of = (label: number | null) => (label === null ? null : (classes[label] as string));
    if (kind === 'AREA')
      return labels.map((label) => ({
        cell: { metric: 'ap', label, range },
        ...{ metric: `ap_${AREAS[bin]}`, class: of(label), sizeBin: null },
      }));
    const sizeBin = kind === 'WIDTH' ? bin : null;
    const all = labels.flatMap((label) =>
      metrics.map((metric): AskedCell => ({
        cell: { metric, label, range },
        ...{ metric, class: of(label), sizeBin },
      })),
    );
    return [...all, ...redAsGreen(classes, range).map((one) => ({ ...one, sizeBin }))];
  });
}

/** Of the red lights found, those found as green: the figure to gate on. */
function redAsGreen(classes: string[], range: number): Omit<AskedCell, 'sizeBin'>[] {
  const [red, green] = [classes.indexOf('RED'), classes.indexOf('GREEN')];
  if (red < 0 || green < 0) return [];
  const cell: Cell = { metric: 'read_as', label: null, range, from: [red], to: [green] };
  return [{ cell, metric: 'red_as_green', class: null }];
}
