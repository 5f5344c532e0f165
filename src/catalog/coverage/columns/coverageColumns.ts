/** The columns of coverage: images from the first question on, their boxes from the first question about boxes on. */
import type { DataSource } from 'typeorm';
import type { Boxes } from './boxes/boxes.js';
import { countBoxes } from './boxes/load.js';
import { Columns } from './columns.js';
import { loadBoxes, loadImages, loadPlaces, loadProject } from './load.js';
import { SnapshotColumns, type ColumnsKind, type SnapshotClient } from './sync.js';

/** What is kept in memory over all projects. */
export interface CoverageLimits {
  /** Of SHINGO_COVERAGE_IMAGES; a million take about 200 MB. */
  images?: number;
  /** Of SHINGO_COVERAGE_BOXES; a million take about 35 MB. */
  boxes?: number;
}

/** A project that had too many boxes is counted again after this: it takes 1 s for 20 million. */
const REFUSED_MS = 600_000;

const COVERAGE: ColumnsKind<Columns> = {
  make: () => new Columns(),
  load: loadProject,
  apply: async (client, columns, projectUuid, touched) => {
    await loadPlaces(client, columns, projectUuid);
    await loadImages(client, columns, projectUuid, touched);
  },
};

export class CoverageColumns extends SnapshotColumns<Columns> {
  readonly maxBoxes: number;
  /** Boxes that are being read at this moment. */
  private arriving = 0;

  constructor(db: DataSource, { images, boxes = 20_000_000 }: CoverageLimits = {}) {
    super(db, COVERAGE, images);
    this.maxBoxes = boxes;
  }

  override read<T>(
    projectUuid: string,
    work: (columns: Columns, client: SnapshotClient) => Promise<T> | T,
  ): Promise<T> {
    return super.read(projectUuid, (columns, client) => {
      // Changes may have brought more.
      if (columns.boxes && !this.roomFor(columns.boxes.size, columns)) columns.boxes = null;
      return work(columns, client);
    });
  }

  /** The boxes of a project that is being read. Null: there is no room for them; PostgreSQL is to be asked. */
  async boxesOf(columns: Columns, client: SnapshotClient, projectUuid: string): Promise<Boxes | null> {
    if (!columns.boxes && performance.now() - columns.boxesRefused > REFUSED_MS)
      await this.load(columns, client, projectUuid);
    if (columns.boxes) columns.boxes.lastUsed = performance.now();
    return columns.boxes;
  }

  private async load(columns: Columns, client: SnapshotClient, projectUuid: string): Promise<void> {
    const count = await countBoxes(client, projectUuid, this.maxBoxes + 1);
    if (count > this.maxBoxes) columns.boxesRefused = performance.now();
    if (!this.roomFor(count, columns)) return;
    this.arriving += count;
    try {
      columns.boxes = await loadBoxes(client, columns, projectUuid, { count, limit: this.maxBoxes });
    } finally {
      this.arriving -= count;
    }
  }

  /** Forgets boxes of other projects, those that nobody has asked for the longest first. False: that does not help. */
  private roomFor(wanted: number, own: Columns): boolean {
    let total = wanted + this.arriving;
    if (total > this.maxBoxes) return false;
    const others = this.held().filter(({ boxes }) => boxes);
    others.sort((a, b) => b.boxes!.lastUsed - a.boxes!.lastUsed);
    for (const other of others) {
      if (other === own) continue;
      total += other.boxes!.size;
      if (total > this.maxBoxes) other.boxes = null;
    }
    return true;
  }
}

const ofDatabase = new WeakMap<DataSource, CoverageColumns>();

/** One for each connection pool of the process. */
export function coverageColumns(db: DataSource, limits?: CoverageLimits): CoverageColumns {
  let columns = ofDatabase.get(db);
  if (!columns) ofDatabase.set(db, (columns = new CoverageColumns(db, limits)));
  return columns;
}
