import path from 'node:path';

import type { ShingoClient } from '../api.js';
import { forEachLimited } from '../../platform/concurrency.js';
import { hasCode } from '../errors.js';
import { reporter, summary } from '../import/command.js';
import { checkFolder, importFolder } from '../import/index.js';
import { PlaceBook } from '../places.js';
import { ensureProject } from '../projects.js';
import { plural } from '../terminal/format.js';
import type { Screen } from '../terminal/screen.js';
import { type DemoData, DemoFailure, type DemoOptions, type Stage } from './options.js';
import { type CoverageCell, coverageTable } from './tables.js';

const CREATE_WEATHER = /* GraphQL */ `
  mutation CreateWeather($input: CreateWeatherInput!) {
    createWeather(input: $input) {
      weather {
        id
      }
      userErrors {
        code
        message
        field
      }
    }
  }
`;
const COVERAGE = /* GraphQL */ `
  query Coverage($projectId: ID!) {
    coverage(projectId: $projectId, by: [WEATHER, TIME_OF_DAY]) {
      total
      cells {
        keys
        images
        lights
      }
    }
  }
`;

/** Act 1: what do we have, and under which conditions? */
export async function collect(client: ShingoClient, screen: Screen, options: DemoOptions): Promise<Stage> {
  screen.heading('1 of 6 · Collect and organise');
  const folder = options.images ?? options.demoData?.folder;
  if (!folder) throw new DemoFailure('the demo was given neither demo data nor a folder of images');
  const onNotice = (text: string) => screen.note(`note: ${text}`);
  const checked = await checkFolder(folder, { onNotice, signal: options.signal });
  const project = await ensureProject(
    client,
    options.images ? projectNameOf(folder) : 'demo',
    options.images ? `Images of ${folder}` : 'Rendered road scenes with traffic lights',
  );
  screen.line(`  project ${screen.colors.bold(project.name)} ${project.created ? 'created' : 'found again'}`);
  if (!options.images && options.demoData) await organise(client, screen, project.id, options.demoData);
  const result = await importFolder(client, {
    folder,
    checked,
    projectId: project.id,
    timeZone: options.timeZone,
    onNotice,
    onProgress: reporter(screen.progress),
  });
  screen.progress.stop();
  screen.line(`  ${summary(result, project.name)}`);
  screen.line();
  const { coverage } = await client.request<{ coverage: { cells: CoverageCell[] } }>(COVERAGE, {
    projectId: project.id,
  });
  screen.block(coverageTable(coverage.cells, screen.colors));
  return { client, screen, options, project, underWay: new Set() };
}

/** A project is named in paths ("demo/first-light"): what could be taken for syntax becomes a dash. */
export function projectNameOf(folder: string): string {
  const name = path
    .basename(path.resolve(folder))
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[^\p{L}\p{N}]+|-+$/gu, '');
  return name.slice(0, 60) || 'images';
}

async function organise(
  client: ShingoClient,
  screen: Screen,
  projectId: string,
  data: DemoData,
): Promise<void> {
  const book = new PlaceBook(client, projectId);
  const ids: string[] = [];
  for (const place of data.places) ids.push(await book.ensure(place));
  let created = 0;
  await forEachLimited(data.weather, 4, async ({ place, weather, startTime, endTime }) => {
    const input = { placeId: ids[place], weatherName: weather, startTime, endTime };
    try {
      await client.mutate(CREATE_WEATHER, input);
      created++;
    } catch (error) {
      // The same period stands there from an earlier run.
      if (!hasCode(error, 'WEATHER_OVERLAP')) throw error;
    }
  });
  const places = `${plural(ids.length, 'place')} (${book.created} new)`;
  screen.line(`  ${places}, ${plural(data.weather.length, 'weather period')} (${created} new)`);
}
