/** Scalabel and BDD100K predictions: frames whose labels have a score. Boxes include their last pixel, and are read so. */
import type { FileSet } from '../../datasets/formats/read/input.js';
import { invalid } from '../../datasets/formats/read/problem.js';
import { readScalabel } from '../../datasets/formats/read/scalabel.js';
import {
  boxAt,
  filesEnding,
  imageNamed,
  labelOf,
  scoreAt,
  type Read,
  type ReadContext,
} from './prediction.js';

export async function* readScalabelPredictions(
  input: FileSet,
  context: ReadContext,
): AsyncGenerator<Read, void> {
  filesEnding(input, '.json');
  for await (const { fileName, boxes, position } of readScalabel(input, context.findings)) {
    const image = imageNamed(fileName);
    yield { kind: 'image', image, position };
    for (const [at, box] of (boxes ?? []).entries()) {
      const place = `${position}.labels[${at}]`;
      if (box.category !== 'TRAFFIC_LIGHT') {
        context.otherCategory();
        continue;
      }
      if (box.score == null) throw invalid(`${place}.score`, 'a detection has a score, 0 to 1');
      const score = scoreAt(`${place}.score`, box.score);
      const label = labelOf(`${place}.attributes.trafficLightColor`, box.color ?? 'none', context);
      if (label === null) continue;
      const sides = boxAt(`${place}.box2d`, [box.x, box.y, box.width, box.height]);
      yield { kind: 'detection', image, label, score, ...sides, position: place };
    }
  }
}
