/** An import in a process of its own, and how much memory that took at most. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SMALL_HEAP } from '../../src/platform/smallHeap.js';

/** MB resident at the peak, the whole process. */
export async function peakOfImport(
  databaseUrl: string,
  projectUuid: string,
  source: string,
): Promise<number> {
  const child = fork(
    fileURLToPath(new URL('./importProcess.js', import.meta.url)),
    [databaseUrl, projectUuid, source],
    { execArgv: [...SMALL_HEAP] },
  );
  const answer = once(child, 'message') as Promise<[{ peakMb: number; frames: number }]>;
  answer.catch(() => undefined);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The process of the import ended with ${code}.`);
  const [{ peakMb }] = await answer;
  return peakMb;
}
