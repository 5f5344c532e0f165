import { bytes, duration } from '../terminal/format.js';
import type { Stage } from './options.js';
import type { Experiment } from './train.js';
import type { Verdict } from './verdict.js';

/** Act 5: what there is now, where it is, and how to come back. */
export function finish(stage: Stage, experiment: Experiment, verdicts: Verdict[], seconds: number): void {
  const { client, screen, options } = stage;
  const home = (options.homeUrl ?? client.baseUrl).replace(/\/+$/, '');
  const { bold, cyan, dim, green, red } = screen.colors;
  screen.heading('5 of 5 · What you have now');
  const width = Math.max(...experiment.artifacts.map(({ path }) => path.length), 4);
  for (const artifact of experiment.artifacts) {
    screen.line(
      `  ${bold(artifact.path.padEnd(width))} ${bytes(artifact.bytes).padStart(9)}  ${dim(artifact.kind)}`,
    );
    screen.line(`    ${cyan(new URL(artifact.url, `${home}/`).href)}`);
  }
  screen.line();
  screen.line(`  open the service again   ${bold('npm start')}`);
  screen.line(`  GraphiQL, in a browser   ${cyan(`${home}/`)}`);
  screen.line(`  GraphQL                  ${cyan(`${home}/graphql`)}  (HTTP and WebSocket)`);
  screen.line();
  for (const { ok, text, note } of verdicts) {
    screen.line(`  ${ok ? green('✓') : red('✗')} ${text}`);
    if (note) screen.note(`  ${note}`);
  }
  screen.line(`  total time ${bold(duration(seconds))}`);
}
