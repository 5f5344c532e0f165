import { importLabels, type ImportCheckpoint } from '../../src/datasets/import/importLabels.js';
import { parseConfig } from '../../src/platform/config.js';
import { connectDatabase } from '../../src/service.js';
import { plainTask } from '../../test/support/task.js';

const [url = '', projectUuid = '', source = ''] = process.argv.slice(2);
const db = await connectDatabase(parseConfig({}), url, 'bench');
const task = await plainTask<ImportCheckpoint>(db);
const { frames } = await importLabels(task, { projectUuid, source, format: 'bdd100k' });
await task[Symbol.asyncDispose]();
await db.destroy();
process.send?.({ frames, peakMb: process.resourceUsage().maxRSS / 1024 });
process.disconnect?.();
