import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { inspectPicture as inspectApart } from '../src/catalog/image/picture/index.js';
import { inspectPicture as inspectHere } from '../src/catalog/image/picture/inspect.js';
import { renderShot } from '../seeds/demo.js';
import { planDemo } from '../seeds/plan.js';
import { ShingoClient } from '../src/client/api.js';
import { uploadFile } from '../src/client/uploadFile.js';
import { type Benchmark, quantile, timed } from './support/harness.js';
import { withService } from './support/service.js';

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Road scenes as the demo renders them, enlarged to what a dash camera gives: 1280 × 720, about 100 kB. */
async function frames(count: number): Promise<Buffer[]> {
  const made: Buffer[] = [];
  for (const shot of planDemo(count, 1)) {
    const { jpeg } = await renderShot(shot, 1);
    made.push(await sharp(jpeg).resize(1280, 720, { fit: 'fill' }).jpeg({ quality: 85 }).toBuffer());
  }
  return made;
}

/** Runs `work` for every item, `width` at a time; ms in all. */
async function taking<T>(items: T[], width: number, work: (item: T) => Promise<unknown>): Promise<number> {
  const start = performance.now();
  const left = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of left) await work(item);
    }),
  );
  return performance.now() - start;
}

async function decoding(paths: string[], figures: Record<string, number>): Promise<void> {
  const [here, apart] = [await inspectHere(paths[0]!), await inspectApart(paths[0]!)];
  if (JSON.stringify(here) !== JSON.stringify(apart)) throw new Error('The processes see another picture.');
  await taking(paths, 8, inspectApart);
  const ratios: number[] = [];
  const rates: number[] = [];
  for (let round = 0; round < 5; round++) {
    const inHere = await taking(paths, 8, inspectHere);
    const inProcesses = await taking(paths, 8, inspectApart);
    ratios.push(inHere / inProcesses);
    rates.push(paths.length / (inProcesses / 1000));
  }
  figures['pictures decoded in processes, per s'] = quantile(rates, 0.5);
  figures['rate in processes / in the service itself'] = quantile(ratios, 0.5);
}

export const bench: Benchmark = {
  title:
    'Pictures: decoding apart against decoding in the service, thumbnails first and cached, a file in pieces',
  options: { images: 200, megabytes: 512 },
  targets: {
    'rate in processes / in the service itself': { min: 0.7 },
    'cached thumbnail p95, ms': { max: 10 },
    'not modified p95, ms': { max: 10 },
    'bytes sent twice': { max: 0 },
  },
  async run({ images = 200, megabytes = 512 }, say) {
    const figures: Record<string, number> = {};
    const folder = await mkdtemp(join(tmpdir(), 'shingo-bench-'));
    try {
      const pictures = await frames(images);
      const paths = pictures.map((_, n) => join(folder, `${n}.jpg`));
      for (const [n, path] of paths.entries()) await writeFile(path, pictures[n]!);
      await decoding(paths, figures);
      await withService(async ({ url }) => {
        await using client = new ShingoClient({ url });
        await client.mutate(
          'mutation ($input: CreateProjectInput!) { createProject(input: $input) { userErrors { code message } } }',
          { name: 'bench' },
        );
        for (const picture of pictures) await client.putBlob(picture, digest(picture), 'image/jpeg');
        const rows = pictures.map((picture, n) => ({ sha256: digest(picture), fileName: `${n}.jpg` }));
        const ids: string[] = [];
        for (let from = 0; from < rows.length; from += 100) {
          const { images: made } = await client.mutate<{ images: { id: string }[] }>(
            `mutation ($input: RegisterImagesInput!) { registerImages(input: $input)
              { images { id } userErrors { code message } } }`,
            { projectId: 'bench', rows: rows.slice(from, from + 100) },
          );
          ids.push(...made.map(({ id }) => id));
        }
        const get = async (n: number, headers: Record<string, string> = {}) => {
          const answer = await fetch(`${url}/images/${ids[n % ids.length]!}/thumb?w=256`, {
            headers: { accept: 'image/webp', ...headers },
          });
          return { status: answer.status, etag: answer.headers.get('etag')!, bytes: await answer.bytes() };
        };
        say(`${ids.length} thumbnails for the first time, then ${5 * ids.length} from the cache`);
        const first = await timed(ids.length, (n) => get(n), 0);
        const { bytes, etag } = await get(0);
        const { width, format } = await sharp(bytes).metadata();
        if (width !== 256 || format !== 'webp')
          throw new Error(`The thumbnail is ${format} and ${width} wide.`);
        const cached = await timed(5 * ids.length, (n) => get(n));
        const same = await timed(200, async () => {
          const { status } = await get(0, { 'if-none-match': etag });
          if (status !== 304) throw new Error(`Not modified is ${status}.`);
        });
        figures['first thumbnail p50, ms'] = quantile(first, 0.5);
        figures['first thumbnail p95, ms'] = quantile(first, 0.95);
        figures['cached thumbnail p95, ms'] = quantile(cached, 0.95);
        figures['not modified p95, ms'] = quantile(same, 0.95);
        figures['thumbnail, kB'] = bytes.length / 1000;

        const file = join(folder, 'large.bin');
        const part = randomBytes(2 ** 20);
        await writeFile(
          file,
          (function* () {
            for (let n = 0; n < megabytes; n++) yield part;
          })(),
        );
        const start = performance.now();
        let at = 0;
        let twice = 0;
        const before = process.memoryUsage().rss;
        let most = 0;
        const done = await uploadFile(client, {
          ...{ projectId: 'bench', path: file, mediaType: 'application/octet-stream' },
          onProgress: (sent) => {
            twice += Math.max(0, at - sent);
            at = sent;
            most = Math.max(most, process.memoryUsage().rss - before);
          },
        });
        if (done.receivedBytes !== megabytes * 2 ** 20) throw new Error('The file did not arrive.');
        const seconds = (performance.now() - start) / 1000;
        figures['large file: hash, send, check, MB/s'] = megabytes / seconds;
        figures['large file: memory of client and service, MB'] = most / 2 ** 20;
        figures['bytes sent twice'] = twice;
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return figures;
  },
};
