import { runImport } from '../../../src/client/import/command.js';
import { makeFolder } from './support/folder.js';
import { FakeService } from './support/service.js';

let service: FakeService;
let said: string[];

beforeEach(async () => {
  service = await new FakeService().start();
  said = [];
  const note = (line: unknown) => void said.push(String(line));
  import.meta.jest.spyOn(console, 'log').mockImplementation(note);
  import.meta.jest.spyOn(console, 'error').mockImplementation(note);
});
afterEach(async () => {
  import.meta.jest.restoreAllMocks();
  await service.server.stop();
});

test('imports into a project of the given name, and says what it did, also the second time', async () => {
  await using folder = await makeFolder({ 'red/a.png': 'a', 'green/b.png': 'b' });
  const options = { url: service.server.url, project: 'lights' };
  expect(await runImport(folder.path, options)).toBe(0);
  expect(await runImport(folder.path, options)).toBe(0);
  expect(said).toEqual([
    'class folders: 2 images, 2 B, no problems',
    'project lights: 2 images created, 2 pictures uploaded',
    'class folders: 2 images, 2 B, no problems',
    'project lights: nothing new: all 2 images were there already',
  ]);
});

test('leaves with 1 and the place of the mistake, and without a project', async () => {
  await using folder = await makeFolder({ 'manifest.csv': 'file,weather\na.png,DRIZZLE\n', 'a.png': 'a' });
  expect(await runImport(folder.path, { url: service.server.url })).toBe(1);
  expect(said[0]).toMatch(/^manifest\.csv:2: column weather: "DRIZZLE" is not one of CLEAR/);
  expect(service.server.requests).toEqual([]);
});

test('leaves with 1 when the option is no time zone, or the service is not there', async () => {
  await using folder = await makeFolder({ 'red/a.png': 'a' });
  expect(await runImport(folder.path, { url: service.server.url, timeZone: 'Tokyo' })).toBe(1);
  await service.server.stop();
  expect(await runImport(folder.path, { url: service.server.url })).toBe(1);
  expect(said[0]).toContain('"Tokyo" is not a time zone');
  expect(said.at(-1)).toContain('import failed: UNREACHABLE: no server answers at');
});
