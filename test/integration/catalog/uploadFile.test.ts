/** The client's way to send a large file: in pieces, over connections that break, by processes that die. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShingoClient } from '../../../src/client/api.js';
import { uploadFile } from '../../../src/client/uploadFile.js';
import { sha256, startTestService, type TestService } from '../../support/service.js';

let service: TestService;
let folder: string;
let path: string;
const bytes = randomBytes(4_000_000);
beforeAll(async () => {
  service = await startTestService();
  await service.ok('mutation { createProject(input: { name: "p" }) { userErrors { code } } }');
  folder = await mkdtemp(join(tmpdir(), 'shingo-upload-'));
  path = join(folder, 'labels.json');
  await writeFile(path, bytes);
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  await service.db.query('DELETE FROM upload');
  await rm(service.services.blobs.path(sha256(bytes)), { force: true });
});

const file = (rest: object = {}) => ({ projectId: 'p', path, mediaType: 'application/json', ...rest });
const stored = () => readFile(service.services.blobs.path(sha256(bytes)));

/** A way to the service on which every connection carries so many bytes and then breaks. */
async function breakingWay(
  carries: number,
): Promise<{ url: string; broken: () => number } & { server: Server }> {
  let broken = 0;
  const server = createServer((client) => {
    const target = connect(Number(new URL(service.url).port), '127.0.0.1');
    let carried = 0;
    client.on('data', (chunk: Buffer) => {
      carried += chunk.length;
      target.write(chunk);
      if (carried < carries) return;
      broken += 1;
      client.destroy();
      target.end();
    });
    target.pipe(client);
    for (const socket of [client, target]) socket.on('error', () => undefined);
    client.on('close', () => target.destroySoon());
    target.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, broken: () => broken };
}

test('a file is there as it was, with progress; sent again it is not sent', async () => {
  await using client = new ShingoClient({ url: service.url });
  const told: number[] = [];
  const done = await uploadFile(
    client,
    file({ pieceBytes: 1_500_000, onProgress: (sent: number) => told.push(sent) }),
  );
  expect(done).toMatchObject({
    url: null,
    bytes: 4_000_000,
    receivedBytes: 4_000_000,
    sha256: sha256(bytes),
  });
  expect(told).toEqual([0, 1_500_000, 3_000_000, 4_000_000]);
  expect((await stored()).equals(bytes)).toBe(true);
  const again: number[] = [];
  const same = await uploadFile(client, file({ onProgress: (sent: number) => again.push(sent) }));
  expect([same.id, again]).toEqual([done.id, [4_000_000]]);
});

test('over connections that break every 1,300,000 bytes it arrives', async () => {
  const way = await breakingWay(1_300_000);
  try {
    await using client = new ShingoClient({ url: way.url });
    await uploadFile(client, file());
    expect(way.broken()).toBeGreaterThanOrEqual(3);
    expect((await stored()).equals(bytes)).toBe(true);
  } finally {
    way.server.close();
  }
});

test('what was interrupted goes on where it was', async () => {
  const stop = new AbortController();
  await using first = new ShingoClient({ url: service.url, signal: stop.signal });
  const cut = uploadFile(
    first,
    file({ pieceBytes: 1_000_000, onProgress: (sent: number) => sent >= 2_000_000 && stop.abort() }),
  );
  await expect(cut).rejects.toThrow();
  await using second = new ShingoClient({ url: service.url });
  const told: number[] = [];
  await uploadFile(second, file({ pieceBytes: 1_000_000, onProgress: (sent: number) => told.push(sent) }));
  expect(told).toEqual([2_000_000, 3_000_000, 4_000_000]);
  expect((await stored()).equals(bytes)).toBe(true);
});

test('a file that is no file is refused by name', async () => {
  await using client = new ShingoClient({ url: service.url });
  await expect(uploadFile(client, file({ path: join(folder, 'none') }))).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
  });
});
