/** Boots the service as `up` does, renders the demo's images, and then is a client like any other. */
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { renderDemo } from '../../seeds/demo.js';
import { demoPlaces, demoWeather } from '../../seeds/places.js';
import { runDemo, type DemoData } from '../client/demo/index.js';
import { DEFAULT_PORT, parseConfig } from '../platform/config.js';
import { createLog } from '../platform/log.js';
import { Lifecycle } from './lifecycle.js';
import { startEverything } from './services.js';

export async function demo({ images }: { images?: string }): Promise<void> {
  const config = parseConfig({ SHINGO_PORT: '0', ...process.env });
  await mkdir(config.dataDir, { recursive: true });
  const logFile = join(config.dataDir, 'demo.log');
  const log = createLog(config.logLevel, pino.destination({ dest: logFile, sync: true }));
  await using life = new Lifecycle(log);
  const url = await startEverything(config, log, life);
  const apiKey = config.apiKeys[0];
  const signal = life.interrupted;
  const folder = images && resolve(process.env.INIT_CWD ?? '.', images);
  const source = folder ? { images: folder } : { demoData: await demoData(config.dataDir) };
  process.exitCode = await runDemo({
    url,
    homeUrl: `http://127.0.0.1:${DEFAULT_PORT}`,
    apiKey,
    signal,
    ...source,
  });
  if (process.exitCode !== 0) console.error(`The service's log is ${logFile}.`);
}

/** Rendered once; the folder gets its name when it is complete. */
async function demoData(dataDir: string): Promise<DemoData> {
  const folder = join(dataDir, 'demo-images');
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (!there) {
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    const onProgress = (done: number, total: number) => {
      if (done % 40 === 0 || done === total) process.stderr.write(`rendering road scenes ${done}/${total}\n`);
    };
    await renderDemo(partial, { onProgress });
    await rename(partial, folder);
  }
  return { folder, places: demoPlaces, weather: demoWeather() };
}
