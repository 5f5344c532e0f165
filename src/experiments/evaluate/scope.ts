/** What an evaluation is of: whatever turns predictions into figures begins by reading this. */
import type { DataSource, EntityManager } from 'typeorm';
import type { LearningTask, Split } from '../../catalog/vocabulary.js';
import { selectOne } from '../../graphql/select.js';
import { ShingoError } from '../../platform/error.js';
import { EvaluationProtocol } from '../protocol/protocol.js';

type Db = DataSource | EntityManager;

export interface Scope {
  uuid: string;
  projectUuid: string;
  versionUuid: string;
  split: Split;
  task: LearningTask;
  classes: string[];
  protocol: EvaluationProtocol;
  /** Of the data set version, as they were when it was made; items name them by their place. */
  conditions: { name: string; version: number }[];
}

/** @throws ShingoError NOT_FOUND */
export async function scopeOf(db: Db, uuid: string): Promise<Scope> {
  const rows: {
    project_id: string;
    dataset_version_id: string;
    split: Split;
    task: LearningTask;
    classes: string[];
    protocol_id: string;
    condition_names: string[];
    condition_versions: number[];
  }[] = await db.query(
    `/* evaluation.scope */ SELECT e.project_id, e.dataset_version_id, e.split, e.task, e.classes, e.protocol_id,
       v.condition_names, v.condition_versions
     FROM evaluation e JOIN dataset_version v ON v.id = e.dataset_version_id WHERE e.id = $1`,
    [uuid],
  );
  const [row] = rows;
  const protocol = row && (await selectOne(db, EvaluationProtocol, row.protocol_id));
  if (!row || !protocol) throw new ShingoError('NOT_FOUND', 'There is no such evaluation.', 404);
  return {
    ...{ uuid, protocol, projectUuid: row.project_id, versionUuid: row.dataset_version_id },
    ...{ split: row.split, task: row.task, classes: row.classes },
    conditions: row.condition_names.map((name, at) => ({
      name,
      version: row.condition_versions[at] as number,
    })),
  };
}

export interface LabelledBox {
  category: string;
  color: string | null;
  x: number;
  y: number;
  width: number;
  height: number;
  occluded: boolean | null;
}

export interface Item {
  sha256: string;
  /** Indices of the version's conditions. */
  conditions: number[];
  drive: string | null;
  /** Null: nobody has looked at the image, so nothing on it can be right or wrong. */
  annotations: LabelledBox[] | null;
}

/** Those of these images that are in the split, by SHA-256. */
export async function itemsOf(db: Db, scope: Scope, sha256s: string[]): Promise<Map<string, Item>> {
  const rows: Item[] = await db.query(
    `/* evaluation.items */ SELECT sha256, conditions, drive, annotations FROM dataset_item
     WHERE version_id = $1 AND split = $2 AND sha256 = ANY ($3)`,
    [scope.versionUuid, scope.split, sha256s],
  );
  return new Map(rows.map((row) => [row.sha256, row]));
}

/** A part of the split that figures are given for. */
export interface Slice {
  /** Null: the whole split. */
  condition: string | null;
  version: number | null;
}

/** The whole split, then each condition of the version. */
export const frozenSlices = ({ conditions }: Scope): Slice[] => [
  { condition: null, version: null },
  ...conditions.map(({ name, version }) => ({ condition: name, version })),
];

/** Indices of `frozenSlices` that an image of these conditions is in. */
export const frozenPlaces = (conditions: readonly number[]): number[] => [
  0,
  ...conditions.map((condition) => condition + 1),
];
