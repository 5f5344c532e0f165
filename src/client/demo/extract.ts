import type { ShingoClient } from '../api.js';
import { hasCode } from '../errors.js';
import { findOne } from '../pages.js';
import { plural } from '../terminal/format.js';
import type { Stage } from './options.js';
import { countsTable, type DatasetCount } from './tables.js';

export interface DatasetVersion {
  id: string;
  version: number;
  dataId: string;
  seed: number;
  imageCount: number;
  lightCount: number;
  counts: DatasetCount[];
}

const VERSION_FIELDS =
  'id version dataId seed imageCount lightCount counts { condition split images lights }';
const CREATE_DATASET = /* GraphQL */ `
  mutation CreateDataset($input: CreateDatasetInput!) {
    createDataset(input: $input) {
      dataset {
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
const CREATE_VERSION = `mutation CreateDatasetVersion($input: CreateDatasetVersionInput!) {
  createDatasetVersion(input: $input) { datasetVersion { ${VERSION_FIELDS} } userErrors { code message field } }
}`;
/** A million images take the service minutes. */
const VERSION_TIMEOUT_MS = 600_000;
/** A fifth is held out: the last act looks at images that training never saw. */
const SHARES = { train: 0.64, validation: 0.16, test: 0.2 };

/** Act 2: a data set that can be named, and found again byte for byte. */
export async function extract(stage: Stage): Promise<DatasetVersion> {
  const { client, screen, project } = stage;
  screen.heading('2 of 6 · Extract a data set');
  const datasetId = await ensureDataset(client, project.id, 'lights');
  const version = await createVersion(client, datasetId);
  const { bold } = screen.colors;
  screen.line(`  data id ${bold(version.dataId)}  (version ${version.version}, seed ${version.seed})`);
  screen.line(`  ${plural(version.imageCount, 'image')}, ${plural(version.lightCount, 'light')}`);
  screen.line();
  screen.block(countsTable(version.counts, screen.colors));
  await sayLeaks(stage, version.id);
  return version;
}

async function ensureDataset(client: ShingoClient, projectId: string, name: string): Promise<string> {
  try {
    const input = { projectId, name, description: 'Every traffic light with a colour' };
    const { dataset } = await client.mutate<{ dataset: { id: string } }>(CREATE_DATASET, input);
    return dataset.id;
  } catch (error) {
    if (!hasCode(error, 'NAME_TAKEN')) throw error;
    const accept = (dataset: { name: string }) => dataset.name === name;
    const found = await findOne<{ id: string; name: string }>(
      client,
      'datasets',
      projectId,
      'id name',
      accept,
    );
    if (!found) throw error;
    return found.id;
  }
}

const LEAKS = /* GraphQL */ `
  query Leaks($id: ID!) {
    leakReport(datasetVersionId: $id) {
      leaks {
        kind
        known
        held
        images
        share
      }
    }
  }
`;
interface Leak {
  kind: string;
  known: string;
  held: string;
  images: number;
  share: number;
}
/** Held-out images that look like ones that were learnt from make a model look better than it is. */
const WORTH_SAYING = 0.01;

/** What the reader of the accuracies has to know: the data are theirs, so it is said and not refused. */
async function sayLeaks({ client, screen }: Stage, versionId: string): Promise<void> {
  const { leakReport } = await client.request<{ leakReport: { leaks: Leak[] } }>(LEAKS, { id: versionId });
  const leaks = leakReport.leaks.filter(({ share }) => share > WORTH_SAYING);
  for (const { kind, known, held, images, share } of leaks) {
    const what = kind.toLowerCase().replaceAll('_', ' ');
    screen.line(
      `  ${screen.colors.yellow('!')} ${what}: ${plural(images, 'image')} of ${held}, ${(100 * share).toFixed(0)} %, resemble some of ${known}`,
    );
  }
  if (leaks.length > 0)
    screen.line('    Accuracies on these splits are flattered; give images a drive or a place to split by.');
}

/** Content that is the same gives the version that there is: a second demo trains on the very same data. */
async function createVersion(client: ShingoClient, datasetId: string): Promise<DatasetVersion> {
  // A drive's frames look alike: torn between splits, they would let the network be asked what it was taught.
  const input = { datasetId, seed: 1, strategy: 'BY_DRIVE', maxLeakShare: 1, ...SHARES };
  const options = { idempotent: true, timeoutMs: VERSION_TIMEOUT_MS };
  return (await client.mutate<{ datasetVersion: DatasetVersion }>(CREATE_VERSION, input, options))
    .datasetVersion;
}
