import { count, percent } from '../terminal/format.js';
import { renderTable } from '../terminal/table.js';
import type { Stage } from './options.js';
import { interval, label } from './tables.js';
import type { Experiment } from './train.js';

interface Proposal {
  rank: number;
  cell: {
    keys: string[];
    images: number;
    quality: { value: number | null; n: number; lower: number; upper: number };
  };
  sites: { place: { city: string }; hours: { hour: number }[] }[];
}

const NEXT = /* GraphQL */ `
  query Next($projectId: ID!, $experimentId: ID!) {
    collectNext(
      projectId: $projectId
      experimentId: $experimentId
      by: [WEATHER, TIME_OF_DAY]
      first: 8
      sites: 1
    ) {
      ranked
      proposals {
        rank
        cell {
          keys
          images
          quality {
            value
            n
            lower
            upper
          }
        }
        sites {
          place {
            city
          }
          hours {
            hour
          }
        }
      }
    }
  }
`;

/** Act 5: where is data missing, where does the model fail, and where and when could that be collected? */
export async function next({ client, screen, project }: Stage, experiment: Experiment): Promise<void> {
  screen.heading('5 of 6 · Collect next');
  const { collectNext } = await client.request<{ collectNext: { ranked: number; proposals: Proposal[] } }>(
    NEXT,
    { projectId: project.id, experimentId: experiment.id },
  );
  const rows = collectNext.proposals.map(({ rank, cell, sites }) => {
    const { quality } = cell;
    const [weather, time] = cell.keys;
    const figure = quality.value === null ? 'never tested' : `${percent(quality.value)} ${interval(quality)}`;
    const [site] = sites;
    const hours = site?.hours.slice(0, 2).map(({ hour }) => hour);
    return [
      String(rank),
      `${label(weather ?? null)}, ${label(time ?? null)}`,
      cell.images === 0 ? screen.colors.yellow('0') : count(cell.images),
      count(quality.n),
      figure,
      site ? `${site.place.city}, ${hours?.join(' · ')} h` : '–',
    ];
  });
  screen.block(
    renderTable({
      head: ['', 'condition', 'images', 'tested', 'right, 95 % interval', 'where and when'],
      rows,
      align: ['right', 'left', 'right', 'right', 'left', 'left'],
    }),
  );
  screen.note(`ranked by how bad, how uncertain and how rare, of ${collectNext.ranked} possible conditions`);
}
