import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';

import { ShingoClient } from '../../../src/client/api.js';
import {
  checkFolder,
  ImportError,
  importFolder,
  type ImportResult,
} from '../../../src/client/import/index.js';
import { toProblem } from '../../../src/client/import/server-errors.js';
import { makeFolder } from './support/folder.js';
import { FakeService } from './support/service.js';

type Files = Record<string, string | Buffer>;

async function refusal(
  files: Files,
  prepare: (folder: string) => Promise<unknown> = async () => {},
): Promise<string> {
  await using folder = await makeFolder(files);
  await prepare(folder.path);
  const error: unknown = await checkFolder(folder.path).then(
    () => new Error('accepted'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ImportError);
  return (error as ImportError).message.replaceAll(folder.path, 'FOLDER');
}

const manifest = (...files: string[]) => ['file', ...files].join('\n');

describe('a folder is refused', () => {
  test.each<[string, string, string]>([
    ['an absolute path', '/etc/passwd', 'is an absolute path'],
    ['a Windows path', 'C:\\pictures\\a.png', 'is an absolute path'],
    ['a path that climbs out', '../a.png', 'leaves the folder'],
    ['a path that climbs out later', 'x/../../a.png', 'leaves the folder'],
    ['the folder itself', '.', 'leaves the folder'],
    ['a missing file', 'no.png', 'does not exist'],
    ['a wrong separator', 'x\\a.png', 'does not exist (folders are separated by "/"'],
    ['an empty file', 'empty.png', 'has no bytes'],
    ['a folder', 'x', 'is not a file'],
  ])('for %s', async (_what, file, message) => {
    const text = await refusal({
      'manifest.csv': manifest('a.png', file),
      'a.png': 'a',
      'empty.png': '',
      'x/a.png': 'x',
    });
    expect(text).toContain(`manifest.csv:3: column file: ${JSON.stringify(file)} ${message}`);
  });

  test('for links that leave it, as a file or on the way', async () => {
    await using outside = await makeFolder({ 'secret.png': 'secret' });
    const text = await refusal(
      { 'manifest.csv': manifest('link.png', 'dir/secret.png', 'circle.png') },
      async (folder) => {
        await symlink(path.join(outside.path, 'secret.png'), path.join(folder, 'link.png'));
        await symlink(outside.path, path.join(folder, 'dir'));
        await symlink(path.join(folder, 'circle.png'), path.join(folder, 'circle.png'));
      },
    );
    expect(text).toContain('manifest.csv:2: column file: "link.png" is a link that leaves the folder');
    expect(text).toContain('manifest.csv:3: column file: "dir/secret.png" is a link that leaves the folder');
    expect(text).toContain('manifest.csv:4: column file: "circle.png" is a link that leads in a circle');
  });

  test('for one file twice, however it is spelled', async () => {
    const text = await refusal({
      'manifest.csv': manifest('a.png', 'b.png', './a.png'),
      'a.png': 'a',
      'b.png': 'b',
    });
    expect(text).toBe('manifest.csv:4: column file: "./a.png" stands in manifest.csv:2 already');
  });

  test('for one place in two time zones', async () => {
    const header = 'file,country,prefecture,city,timeZone';
    const lines = [header, 'a.png,J,K,F,Asia/Tokyo', 'b.png,J,K,F,Asia/Seoul'].join('\n');
    const text = await refusal({ 'manifest.csv': lines, 'a.png': 'a', 'b.png': 'b' });
    expect(text).toBe(
      'manifest.csv:3: column timeZone: "Asia/Seoul" contradicts "Asia/Tokyo" for the same place in manifest.csv:2',
    );
  });

  test('with at most 20 problems', async () => {
    const files = Array.from({ length: 50 }, (_, index) => `${index}.png`);
    const lines = (await refusal({ 'manifest.csv': manifest(...files) })).split('\n');
    expect(lines).toHaveLength(21);
    expect(lines[20]).toContain('stopped after 20 problems');
  });

  test.each<[string, Files, string]>([
    [
      'two manifests',
      { 'manifest.csv': 'file\n', 'manifest.jsonl': '' },
      'has both manifest.csv and manifest.jsonl',
    ],
    ['a manifest without rows', { 'manifest.csv': 'file\n' }, 'manifest.csv has no rows'],
    ['an empty manifest', { 'manifest.csv': '' }, 'is empty'],
    ['nothing in it', {}, 'the folder is empty'],
    [
      'unknown classes',
      { 'red/a.png': 'a', 'blue/b.png': 'b' },
      'blue: is not a class folder (known: red, yellow, green, off)',
    ],
    ['a picture without a class', { 'red/a.png': 'a', 'b.png': 'b' }, 'b.png: lies beside the class folders'],
    [
      'a folder in a class',
      { 'red/a.png': 'a', 'red/far/b.png': 'b' },
      'red/far: is a folder inside the class folder',
    ],
    ['no pictures', { 'red/readme.txt': 'a' }, 'neither manifest.csv nor manifest.jsonl'],
  ])('for %s', async (_what, files, message) => {
    expect(await refusal(files)).toContain(message);
  });

  test('when there is none', async () => {
    await expect(checkFolder('/no/such/folder')).rejects.toThrow('/no/such/folder: no such folder');
  });
});

describe('an import', () => {
  let service: FakeService;
  let client: ShingoClient;
  let notices: string[];

  beforeEach(async () => {
    service = await new FakeService().start();
    client = new ShingoClient({ url: service.server.url });
    notices = [];
  });
  afterEach(async () => {
    await client.close();
    await service.server.stop();
  });

  const run = (folder: string, timeZone?: string): Promise<ImportResult> =>
    importFolder(client, { folder, projectId: 'p', timeZone, onNotice: (text) => notices.push(text) });

  test('of class folders sends one whole-image light a picture, and changes nothing the second time', async () => {
    const files = {
      'red/a.png': 'a',
      'green/b.JPG': 'b',
      'off/c.webp': 'c',
      'red/notes.txt': 'x',
      'red/.DS_Store': 'y',
    };
    await using folder = await makeFolder(files);
    expect(await run(folder.path)).toMatchObject({ created: 3, existing: 0, uploaded: 3, unlabelled: 0 });
    expect(await run(folder.path)).toMatchObject({ created: 0, existing: 3, uploaded: 0 });
    const whole = { category: 'TRAFFIC_LIGHT', wholeImage: true, x: 0, y: 0, width: 0, height: 0 };
    expect(service.registered[0]!.map(({ fileName, boxes }) => [fileName, boxes])).toEqual([
      ['green/b.JPG', [{ ...whole, color: 'GREEN' }]],
      ['off/c.webp', [{ ...whole, color: 'OFF' }]],
      ['red/a.png', [{ ...whole, color: 'RED' }]],
    ]);
    expect([...service.blobs.values()].sort()).toEqual(['image/jpeg', 'image/png', 'image/webp']);
    expect(notices.filter((text) => text.includes('1 file(s) in red/ are left out'))).toHaveLength(2);
  });

  test('goes in batches of at most 1,000 rows', async () => {
    const names = Array.from({ length: 1_001 }, (_, index) => `red/${String(index).padStart(4, '0')}.png`);
    await using folder = await makeFolder(Object.fromEntries(names.map((name) => [name, name])));
    expect(await run(folder.path)).toMatchObject({ rows: 1_001, created: 1_001, uploaded: 1_001 });
    expect(service.registered.map((rows) => rows.length)).toEqual([1_000, 1]);
  });

  const PLACES = [
    'file,country,prefecture,city,timeZone,latitude,longitude',
    'a.png,Japan,Kanagawa,Fujisawa,,35.3,139.5',
    'b.png,Japan,Kanagawa,Fujisawa,Asia/Tokyo,36,140',
    'c.png,Japan,Osaka,Osaka,,,',
  ].join('\n');

  test('creates the places that the project lacks', async () => {
    await using folder = await makeFolder({
      'manifest.csv': PLACES,
      'a.png': 'a',
      'b.png': 'b',
      'c.png': 'c',
    });
    expect(await run(folder.path)).toMatchObject({ placesCreated: 2, unlabelled: 3 });
    expect(service.places).toMatchObject([
      { city: 'Fujisawa', timeZone: 'Asia/Tokyo', latitude: 35.3, longitude: 139.5 },
      { city: 'Osaka', timeZone: 'UTC' },
    ]);
    expect(notices).toEqual(['Osaka, Osaka, Japan: no time zone is given, UTC is taken (--time-zone)']);
    expect(await run(folder.path)).toMatchObject({ placesCreated: 0, created: 0 });
  });

  test('takes the time zone of the option where no row gives one', async () => {
    await using folder = await makeFolder({
      'manifest.csv': PLACES,
      'a.png': 'a',
      'b.png': 'b',
      'c.png': 'c',
    });
    await run(folder.path, 'Asia/Seoul');
    expect(service.places.map(({ timeZone }) => timeZone)).toEqual(['Asia/Tokyo', 'Asia/Seoul']);
    expect(notices).toEqual([]);
  });

  test('writes nothing at all when the last row is bad', async () => {
    await using folder = await makeFolder({ 'manifest.csv': manifest('a.png', 'no.png'), 'a.png': 'a' });
    await expect(run(folder.path)).rejects.toThrow('manifest.csv:3');
    expect(service.server.requests).toEqual([]);
  });

  test('names the row of a picture that the server refuses, and writes nothing of its batch', async () => {
    await using folder = await makeFolder({
      'manifest.csv': `${PLACES}`,
      'a.png': 'a',
      'b.png': 'cut',
      'c.png': 'c',
    });
    service.refuseBlob = (body) =>
      body.toString() === 'cut'
        ? { status: 422, code: 'PICTURE_TRUNCATED', message: 'ends early' }
        : undefined;
    await expect(run(folder.path)).rejects.toThrow(
      'manifest.csv:3: column file: PICTURE_TRUNCATED: b.png: ends early',
    );
    expect([service.places.length, service.images.size]).toEqual([0, 0]);
  });

  test('names the row and the column of what the server refuses', async () => {
    const box = '"[{""category"":""CAR"",""x"":900,""y"":1,""width"":2,""height"":1}]"';
    const lines = ['file,boxes', 'a.png,', `b.png,${box}`].join('\n');
    await using folder = await makeFolder({ 'manifest.csv': lines, 'a.png': 'a', 'b.png': 'b' });
    service.refuse = (row, index) =>
      row.boxes && {
        code: 'BAD_USER_INPUT',
        message: 'outside',
        field: ['rows', String(index), 'boxes', '0', 'x'],
      };
    await expect(run(folder.path)).rejects.toThrow(
      'manifest.csv:3: column boxes[0].x: BAD_USER_INPUT: outside',
    );
  });

  test('follows links that stay inside', async () => {
    await using folder = await makeFolder({ 'manifest.csv': manifest('in/a.png'), 'store/a.png': 'a' });
    await mkdir(path.join(folder.path, 'in'));
    await symlink('../store/a.png', path.join(folder.path, 'in/a.png'));
    expect(await run(folder.path)).toMatchObject({ created: 1 });
  });
});

test('field paths of the server become columns of the manifest', () => {
  const rows = [{ where: 'm.csv:2', row: { file: 'a' }, picture: { path: '/a', bytes: 1 } }];
  const at = (...field: string[]) => toProblem({ code: 'C', message: 'm', field }, rows);
  expect(at('rows', '0', 'weather')?.column).toBe('weather');
  expect(at('input', 'rows', '0', 'boxes', '2', 'color')?.column).toBe('boxes[2].color');
  expect(at('rows', '0', 'sha256')?.column).toBe('file');
  expect(at('rows', '0', 'place')?.column).toBe('city');
  expect(at('rows', '0', 'place', 'country')?.column).toBe('country');
  expect(at('rows', '0')).toEqual({ where: 'm.csv:2', column: undefined, message: 'C: m' });
  expect(at('rows', '7', 'weather')).toBeUndefined();
  expect(at('projectId')).toBeUndefined();
});
