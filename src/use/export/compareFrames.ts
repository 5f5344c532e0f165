import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { detectionProtocol } from '../../experiments/evaluate/detections.js';
import { ShingoError } from '../../platform/error.js';
import type { Frame } from '../../training/protocol.js';
import type { Truth } from '../../training/statistics/detection/index.js';
import { DetectionDrift } from '../../training/variants/detectionDrift.js';
import { withEngine, type Compare, type VariantDrift } from './compare.js';
import { evaluatedFrames } from './evaluated.js';
import { frameSample } from './sample.js';

/** LIGHT_DETECTION: whole frames, of which all forms are asked at a time. */
export const compareFrames: Compare = async (task, question) => {
  const { folder, signal, progress, db } = task;
  const { variants, stored, classes, split } = question;
  const frames = await frameSample(task, { ...question, size: question.sample });
  if (frames.length === 0)
    throw new ShingoError('SPLIT_EMPTY', `The ${split} split has no image that somebody has labelled.`, 409, [
      'split',
    ]);
  return withEngine(question.engine, async (engine) => {
    const { StoredDetectors } = await import('../../training/variants/storedDetector.js');
    const { writeVariant } = await import('../../training/variants/variants.js');
    const protocol = detectionProtocol(question.protocol);
    const written: (Omit<VariantDrift, 'drift'> & { drift: DetectionDrift })[] = [];
    for (const variant of variants) {
      const weightBytes = await writeVariant(stored, join(folder, variant), variant);
      written.push({ variant, weightBytes, drift: new DetectionDrift(protocol, classes.length) });
    }
    const detectors = await StoredDetectors.load([
      stored,
      ...variants.map((variant) => join(folder, variant)),
    ]);
    const file = join(folder, 'reference.jsonl');
    try {
      await pipeline(Readable.from(lines()), createWriteStream(file), { signal });
    } finally {
      detectors.dispose();
    }
    async function* lines(): AsyncGenerator<string> {
      let at = 0;
      const files = frames.map((frame) => frame.file);
      for await (const [reference, ...others] of detectors.ask(files, signal)) {
        const frame = frames[at]!;
        const truths = truthsOf(frame, classes.length);
        written.forEach(({ drift }, index) => drift.add(truths, reference!, others[index]!));
        progress('COMPARING', (at += 1), frames.length);
        yield `${JSON.stringify({ id: frame.id, detections: reference!.detections })}\n`;
      }
    }
    return {
      ...{ engine, samples: frames.length },
      variants: written.map(({ drift, ...one }) => ({ ...one, drift: drift.drift() })),
      evaluation: await evaluatedFrames(db, question, file),
    };
  });
};

/** A light whose colour nobody could tell takes away what lies on it, in whatever colour it was found. */
const truthsOf = ({ boxes }: Frame, classes: number): Truth[] => {
  const known = boxes.filter(({ ignore }) => !ignore).map((box) => ({ ...box, label: box.label! }));
  const ignored = boxes.filter(({ ignore }) => ignore);
  const labels = Array.from({ length: classes }, (_, label) => label);
  return [...known, ...ignored.flatMap((box) => labels.map((label) => ({ ...box, label })))];
};
