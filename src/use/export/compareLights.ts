import { join } from 'node:path';
import { ShingoError } from '../../platform/error.js';
import { lightDrift, type LightAnswer } from '../../training/variants/drift.js';
import { withEngine, type Compare, type VariantDrift } from './compare.js';
import { evaluatedLights } from './evaluated.js';
import { writeLightSample } from './sample.js';

/** LIGHT_STATE: one decision a light. */
export const compareLights: Compare = async (task, question) => {
  const { folder, signal, progress } = task;
  const { variants, stored, split } = question;
  const samplesFile = join(folder, 'samples.jsonl');
  const samples = await writeLightSample(task, { ...question, size: question.sample }, samplesFile);
  if (samples === 0)
    throw new ShingoError('SPLIT_EMPTY', `The ${split} split has no light of the model's classes.`, 409, [
      'split',
    ]);
  return withEngine(question.engine, async (engine) => {
    const { StoredModel } = await import('../../training/variants/storedModel.js');
    const { writeVariant } = await import('../../training/variants/variants.js');
    const total = samples * (variants.length + 1);
    let done = 0;
    const ask = async (modelDir: string) => {
      const onProgress = (items: number) => progress('COMPARING', done + items, total);
      const model = await StoredModel.load('LIGHT_STATE', modelDir);
      try {
        const items = await model.readItems(samplesFile);
        return await model.ask<LightAnswer>(items, { signal, onProgress });
      } finally {
        model.dispose();
        done += samples;
      }
    };
    const reference = await ask(stored);
    const drifts: VariantDrift[] = [];
    for (const variant of variants) {
      const target = join(folder, variant);
      const weightBytes = await writeVariant(stored, target, variant);
      drifts.push({ variant, weightBytes, drift: lightDrift(reference, await ask(target)) });
    }
    return {
      engine,
      samples,
      variants: drifts,
      evaluation: await evaluatedLights(task.db, question, reference),
    };
  });
};
