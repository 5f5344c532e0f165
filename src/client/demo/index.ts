import { ShingoClient } from '../api.js';
import { describe } from '../errors.js';
import { ImportError } from '../import/index.js';
import { cancelJob } from '../jobs.js';
import { Screen } from '../terminal/screen.js';
import { collect } from './collect.js';
import { evaluate } from './evaluate.js';
import { extract } from './extract.js';
import { finish } from './finish.js';
import { next } from './next.js';
import { DemoFailure, type DemoOptions, type Stage } from './options.js';
import { train } from './train.js';
import { judgeLoss, judgeScores } from './verdict.js';

export type { DemoData, DemoOptions, DemoPlace, DemoWeather } from './options.js';

const INTERRUPTED = 130;

/** The six acts, as any client could play them. Returns the exit code. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const screen = new Screen(options.out, options.err);
  const { url, apiKey, signal } = options;
  const play: { stage?: Stage } = {};
  try {
    await using client = new ShingoClient({ url, apiKey, signal });
    return await acts(client, screen, options, play);
  } catch (error) {
    screen.progress.stop();
    if (play.stage) await abandon(play.stage);
    if (signal?.aborted) {
      screen.error('demo: interrupted');
      return INTERRUPTED;
    }
    screen.error(reasonOf(error));
    return 1;
  }
}

async function acts(
  client: ShingoClient,
  screen: Screen,
  options: DemoOptions,
  play: { stage?: Stage },
): Promise<number> {
  const start = performance.now();
  const stage = (play.stage = await collect(client, screen, options));
  const version = await extract(stage);
  const { experiment, curves } = await train(stage, version);
  const scores = await evaluate(stage, version, experiment);
  await next(stage, experiment);
  const verdicts = [judgeLoss(curves.values('loss', 'TRAIN')), judgeScores(scores.trained, scores.untrained)];
  finish(stage, experiment, verdicts, (performance.now() - start) / 1000);
  const bad = verdicts.filter(({ ok }) => !ok);
  for (const { text, note } of bad) screen.error(`demo failed: ${text}${note ? ` (${note})` : ''}`);
  return bad.length === 0 ? 0 : 1;
}

/** Nobody waits for these jobs any more. With a client of its own: the demo's may have been aborted. */
async function abandon(stage: Stage): Promise<void> {
  if (stage.underWay.size === 0) return;
  const { url, apiKey } = stage.options;
  const requestPolicy = { attempts: 1, firstDelayMs: 0, maxDelayMs: 0 };
  await using client = new ShingoClient({ url, apiKey, requestPolicy });
  // A server that is going down as well cannot answer: that is no second failure to report.
  await Promise.allSettled([...stage.underWay].map((id) => cancelJob(client, id)));
}

function reasonOf(error: unknown): string {
  if (error instanceof DemoFailure) return `demo failed: ${error.message}`;
  if (error instanceof ImportError) return `demo failed: the images cannot be imported\n${error.message}`;
  return `demo failed: ${describe(error)}`;
}
