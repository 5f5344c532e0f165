/** Perceptual hashes of real pictures, and the pictures that look alike. */
import { createHash, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import sharp from 'sharp';
import { seededRandom } from '../../../seeds/random.js';
import { inspectPicture } from '../../../src/catalog/image/picture/index.js';
import { nearDuplicates } from '../../../src/catalog/image/nearDuplicates.js';
import { toGlobalId } from '../../../src/graphql/node.js';
import { startTestService, type TestService } from '../../support/service.js';
import { codeOf, newImage, newImages, newProject, statementsOf } from '../graphql/support/world.js';
import { stableCode } from '../graphql/support/answers.js';

let service: TestService;
beforeAll(async () => (service = await startTestService()));
afterAll(() => service.stop());

/** A street of blocks in places that no two seeds share: every frequency has a part in it, as in a photo. */
function scene(seed: number): Promise<Buffer> {
  const random = seededRandom(seed);
  const blocks = Array.from({ length: 40 }, () => {
    const [x, y, width, height] = [320 * random(), 180 * random(), 20 + 80 * random(), 15 + 60 * random()];
    const shade = Math.floor(256 * random());
    return `<rect x="${x - 40}" y="${y - 30}" width="${width}" height="${height}" fill="rgb(${shade},${shade},${shade})"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180"><rect width="320" height="180" fill="#777"/>${blocks.join('')}</svg>`;
  return sharp(Buffer.from(svg)).removeAlpha().png().toBuffer();
}

const apart = (a: string, b: string) =>
  (BigInt(`0x${a}`) ^ BigInt(`0x${b}`)).toString(2).replaceAll('0', '').length;
const hashOf = async (bytes: Buffer) => (await inspectPicture(bytes)).perceptualHash;

test('a picture that is scaled, compressed or brightened keeps its hash to a few bits, another one does not', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const bytes = await scene(seed);
    const hash = await hashOf(bytes);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    for (const changed of [
      sharp(bytes).resize(200).png(),
      sharp(bytes).jpeg({ quality: 40 }),
      sharp(bytes).linear(0.9, 12).png(),
      sharp(bytes).blur(1).png(),
    ])
      expect(apart(hash, await hashOf(await changed.toBuffer()))).toBeLessThanOrEqual(4);
    for (const other of [5, 6, 7]) expect(apart(hash, await hashOf(await scene(other)))).toBeGreaterThan(10);
  }
});

test('of pictures that were uploaded, those that look alike are found through the API', async () => {
  const project = `near ${randomUUID()}`;
  await service.ok(`mutation { createProject(input: { name: "${project}" }) { userErrors { code } } }`);
  const original = await scene(11);
  const pictures = [original, await sharp(original).jpeg({ quality: 60 }).toBuffer(), await scene(12)];
  const rows = pictures.map((bytes, n) => ({
    sha256: createHash('sha256').update(bytes).digest('hex'),
    fileName: `${n}.png`,
  }));
  for (const [n, bytes] of pictures.entries()) {
    const sent = await fetch(`${service.url}/blobs/${rows[n]!.sha256}`, {
      method: 'PUT',
      body: new Uint8Array(bytes),
    });
    expect(sent.status).toBeLessThan(300);
  }
  const { registerImages } = await service.ok(
    'mutation ($input: RegisterImagesInput!) { registerImages(input: $input) { images { id } userErrors { code message } } }',
    { input: { projectId: project, rows } },
  );
  const { nearDuplicates: found } = await service.ok(
    'query ($id: ID!) { nearDuplicates(imageId: $id) { distance image { fileName } } }',
    { id: registerImages.images[0].id },
  );
  expect(found.map(({ image }: { image: { fileName: string } }) => image.fileName)).toEqual(['1.png']);
  expect(found[0].distance).toBeLessThanOrEqual(4);
});

test('the index finds exactly what a comparison of all hashes finds, at any distance', async () => {
  const { db } = service;
  const project = await newProject(db);
  const bits = fc.array(fc.nat(63), { maxLength: 10 });
  const hashes = fc.sample(bits, { seed: 7, numRuns: 150 }).map((flips) =>
    BigInt.asIntN(
      64,
      flips.reduce((hash, bit) => hash ^ (1n << BigInt(bit)), 0xf0e1d2c3b4a59687n),
    ),
  );
  const uuids = await newImages(
    db,
    project,
    hashes.map((_, n) => ({ label: `hashed ${n}` })),
  );
  await db.query(
    `UPDATE picture p SET perceptual_hash = h.hash FROM unnest($1::uuid[], $2::bigint[]) AS h(id, hash)
     JOIN image i ON i.id = h.id WHERE p.sha256 = i.sha256`,
    [uuids, hashes.map(String)],
  );
  for (const distance of [0, 1, 3, 4, 7])
    for (const from of [0, 17, 101]) {
      const slow = hashes.flatMap((hash, n) => {
        const bitsApart = apart(
          BigInt.asUintN(64, hash).toString(16),
          BigInt.asUintN(64, hashes[from]!).toString(16),
        );
        return n !== from && bitsApart <= distance ? [uuids[n]] : [];
      });
      const found = await nearDuplicates(db, uuids[from]!, distance, 200);
      expect(found.map(({ imageUuid }) => imageUuid).sort()).toEqual(slow.slice(0, 200).sort());
      expect(found.map((one) => one.distance)).toEqual(
        found.map((one) => one.distance).sort((a, b) => a - b),
      );
    }
});

test('a search sees what was written before it, whoever wrote it: new, deleted and moved images, hashes that came later', async () => {
  const { db } = service;
  const [project, other] = [await newProject(db), await newProject(db)];
  const setHash = (uuid: string, hash: number | null) =>
    db.query(
      'UPDATE picture p SET perceptual_hash = $2 FROM image i WHERE i.id = $1 AND p.sha256 = i.sha256',
      [uuid, hash],
    );
  // What the project has, by the test's own book.
  const hashes = new Map<string, number | null>();
  const [origin] = await newImages(db, project, [{ label: `origin ${project.uuid}` }]);
  await setHash(origin!, 0);
  let made = 0;
  const random = seededRandom(3);
  const changes = [
    async () => {
      const [uuid] = await newImages(db, project, [{ label: `new ${project.uuid} ${made++}` }]);
      hashes.set(uuid!, null);
    },
    async (uuid?: string) => {
      if (!uuid) return;
      const hash = random() < 0.2 ? null : Math.floor(16 * random());
      await setHash(uuid, hash);
      hashes.set(uuid, hash);
    },
    async (uuid?: string) => {
      if (!uuid) return;
      await db.query('DELETE FROM image WHERE id = $1', [uuid]);
      hashes.delete(uuid);
    },
    async (uuid?: string) => {
      if (!uuid) return;
      await db.query('UPDATE image SET project_id = $2 WHERE id = $1', [uuid, other.uuid]);
      hashes.delete(uuid);
    },
  ];
  for (let turn = 0; turn < 250; turn++) {
    const kind = [0, 0, 0, 1, 1, 1, 1, 2, 3][Math.floor(9 * random())]!;
    await changes[kind]!([...hashes.keys()][Math.floor(hashes.size * random())]);
    const slow = [...hashes]
      .filter(([, hash]) => hash !== null)
      .map(([imageUuid, hash]) => ({ imageUuid, distance: apart(hash!.toString(16), '0') }))
      .filter(({ distance }) => distance <= 3)
      .sort((a, b) => a.distance - b.distance || (a.imageUuid < b.imageUuid ? -1 : 1));
    const first = 1 + Math.floor(30 * random());
    expect(await nearDuplicates(db, origin!, 3, first)).toEqual(slow.slice(0, first));
  }
  expect(made).toBeGreaterThan(50);
});

test('a search is two statements, however many images there are', async () => {
  const project = await newProject(service.db);
  const uuids = await newImages(
    service.db,
    project,
    Array.from({ length: 20 }, (_, n) => ({ label: `statement ${project.uuid} ${n}` })),
  );
  await service.db.query(
    'UPDATE picture SET perceptual_hash = 1 WHERE sha256 IN (SELECT sha256 FROM image WHERE project_id = $1)',
    [project.uuid],
  );
  await nearDuplicates(service.db, uuids[0]!, 3, 10);
  const statements = await statementsOf(service.db, () => nearDuplicates(service.db, uuids[1]!, 3, 10));
  expect(statements).toEqual(['image.hash', 'coverage.unchanged']);
});

test('what cannot be asked has a code', async () => {
  const project = await newProject(service.db);
  const uuid = await newImage(service.db, project, { label: 'without a hash' });
  expect(await codeOf(nearDuplicates(service.db, uuid, 3, 10))).toBe('HASH_MISSING');
  expect(await codeOf(nearDuplicates(service.db, uuid, 8, 10))).toBe('BAD_USER_INPUT');
  expect(await codeOf(nearDuplicates(service.db, uuid, 3, 0))).toBe('BAD_USER_INPUT');
  const nothing = toGlobalId('Image', '01890a5d-ac96-774b-bcce-b302099a8057');
  expect(stableCode(await service.ask(`{ nearDuplicates(imageId: "${nothing}") { distance } }`))).toBe(
    'NOT_FOUND',
  );
});
