import { bytes, duration } from '../terminal/format.js';
import { renderTable } from '../terminal/table.js';
import type { Stage } from './options.js';
import type { Experiment } from './train.js';
import type { Verdict } from './verdict.js';

/** Act 6: what there is now, where it is, and how to come back. */
export function finish(stage: Stage, experiment: Experiment, verdicts: Verdict[], seconds: number): void {
  const { client, screen, options } = stage;
  const home = (options.homeUrl ?? client.baseUrl).replace(/\/+$/, '');
  const { bold, cyan, green, red } = screen.colors;
  screen.heading('6 of 6 · What you have now');
  const { folder, rows } = listing(experiment, home);
  if (folder) {
    screen.line('  artifacts, under');
    screen.line(`  ${cyan(folder)}`);
  }
  screen.block(renderTable({ head: ['artifact', 'size', 'kind'], rows, align: ['left', 'right', 'left'] }));
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

/** URLs are long and differ in the file's name only: the part in common is said once, if there is one. */
function listing({ artifacts }: Experiment, home: string): { folder: string | undefined; rows: string[][] } {
  const urls = artifacts.map(({ url }) => new URL(url, `${home}/`).href);
  const folders = artifacts.map(({ path }, index) =>
    urls[index]!.endsWith(`/${encodeURI(path)}`) ? urls[index]!.slice(0, -encodeURI(path).length) : undefined,
  );
  const [folder] = folders;
  const common = folder !== undefined && folders.every((one) => one === folder);
  const rows = artifacts.map((artifact, index) => [
    common ? artifact.path : urls[index]!,
    bytes(artifact.bytes),
    artifact.kind.toLowerCase().replaceAll('_', ' '),
  ]);
  return { folder: common ? folder : undefined, rows };
}
