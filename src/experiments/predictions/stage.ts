/**
 * Predictions on their way to the detections file. They may name images in any way and come in any order, so they are put
 * into tables of a connection's own: the database joins and sorts them on disk, whatever their number.
 */
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { namesOfVersion } from '../../datasets/export/frames.js';
import { connectionOf } from '../../platform/database/connection.js';
import { copyInto, copyRow } from '../../platform/database/copy.js';
import { invalid } from '../../datasets/formats/read/problem.js';
import type { Scope } from '../evaluate/scope.js';
import type { Answer, ImageKey, Prediction, Read } from './prediction.js';

const TABLES = `
  CREATE TEMP TABLE predicted_item (id int, sha256 text, split boolean, labelled boolean, name text, base text, called text, called_too text);
  CREATE TEMP TABLE predicted_source (key text, sha256 text, name text);
  CREATE TEMP TABLE predicted (seq bigint, key text, label smallint, score float8, x float8, y float8, width float8, height float8,
    light int, annotation int, position text)`;
const INDEXES = `
  CREATE INDEX ON predicted_item (sha256); CREATE INDEX ON predicted_item (name); CREATE INDEX ON predicted_item (base);
  CREATE INDEX ON predicted_item (called); CREATE INDEX ON predicted_item (called_too); CREATE INDEX ON predicted_item (id);
  CREATE INDEX ON predicted_source (key); CREATE INDEX ON predicted (key);
  ANALYZE predicted_item; ANALYZE predicted_source; ANALYZE predicted`;

/** A million detections are sorted in seconds; the limit of the API, 30 s, is not for this connection. */
const SORT_MS = 600_000;
const FULL = 1 << 17;

const base = (name: string) => name.slice(name.lastIndexOf('/') + 1);
const keyOf = ({ kind, value }: ImageKey) => `${kind}:${value}`;

export interface UnknownImage {
  key: string;
  position: string;
  detections: number;
}

export interface StagedImage {
  sha256: string;
  /** [label, score, x, y, width, height], the best first. */
  detections: [number, number, number, number, number, number][];
}

/** What a row of `predicted` has besides its number, key and position. */
function valuesOf(one: Prediction | Answer): (number | null)[] {
  if (one.kind === 'detection')
    return [one.label, one.score, one.x, one.y, one.width, one.height, null, null];
  const { of, label, score } = one;
  const where = 'where' in of ? of.where : null;
  const sides =
    where && 'box' in where
      ? [where.box.x, where.box.y, where.box.width, where.box.height]
      : [null, null, null, null];
  return [
    ...[label, score, ...sides, where && 'light' in where ? where.light : null],
    'annotation' in of ? of.annotation : null,
  ];
}

const NOTHING = new Array<null>(8).fill(null);
const imageKeyOf = (one: Exclude<Read, { kind: 'source' }>): string | null => {
  if (one.kind !== 'light') return keyOf(one.image);
  return 'image' in one.of ? keyOf(one.of.image) : null;
};

export class Stage {
  private constructor(
    readonly runner: QueryRunner,
    private readonly db: DataSource,
  ) {}

  /** @param work has the tables to itself; they are gone afterwards */
  static async use<T>(db: DataSource, work: (stage: Stage) => Promise<T>): Promise<T> {
    const runner = db.createQueryRunner();
    const connection = await connectionOf(runner);
    try {
      await connection.allowSession(SORT_MS);
      await runner.query(`/* predictions.stage */ ${TABLES}`);
      return await work(new Stage(runner, db));
    } finally {
      await runner
        .query(
          `/* predictions.unstage */ DROP TABLE IF EXISTS predicted_item, predicted_source, predicted, predicted_image,
             predicted_light, predicted_answer`,
        )
        .then(() => connection.allowSession(null))
        .catch(() => undefined);
      await runner.release();
    }
  }

  private get manager(): EntityManager {
    return this.runner.manager;
  }

  async addItems({ versionUuid, split: wanted }: Scope): Promise<void> {
    const { db } = this;
    async function* rows(): AsyncGenerator<string> {
      for await (const { id, sha256, split, labelled, fileName, called } of namesOfVersion(db, versionUuid))
        yield copyRow([id, sha256, split === wanted, labelled, fileName, base(fileName), ...called]);
    }
    await this.copy('predicted_item', rows());
  }

  /** Each list of them is copied as it is read. */
  async addPredictions(read: AsyncIterable<Read>, onRead: (count: number) => void): Promise<void> {
    // Two COPYs cannot share a connection, so what a file says of its ids is kept apart until the next begins.
    let sources: string[] = [];
    const flush = async () => {
      const full = sources;
      sources = [];
      await this.copy('predicted_source', full);
    };
    const iterator = read[Symbol.asyncIterator]();
    let next = await iterator.next();
    for (; !next.done && next.value.kind === 'source'; next = await iterator.next()) {
      const { id, sha256, name } = next.value;
      sources.push(copyRow([`id:${id}`, sha256, name]));
      if (sources.length === 10_000) await flush();
    }
    await flush();
    let seq = 0;
    async function* rows(): AsyncGenerator<string> {
      for (; !next.done; next = await iterator.next()) {
        const one = next.value;
        if (one.kind === 'source') continue;
        const values = one.kind === 'image' ? NOTHING : valuesOf(one);
        yield copyRow([(seq += 1), imageKeyOf(one), ...values, one.position]);
        if (seq % 1000 === 0) onRead(seq);
      }
    }
    await this.copy('predicted', rows());
    onRead(seq);
    await this.runner.query(`/* predictions.index */ ${INDEXES}`);
  }

  private async copy(table: string, rows: AsyncIterable<string> | Iterable<string>): Promise<void> {
    await copyInto(this.manager, `/* predictions.copy */ COPY ${table} FROM STDIN`, inChunks(rows));
  }

  /**
   * Finds the image of every key: by its SHA-256, its file name, what an export calls it, its last part if only one image
   * has it, or its number in a COCO export if the file does not list its images.
   */
  async resolve(): Promise<void> {
    await this.runner.query(
      `/* predictions.resolve */ CREATE TEMP TABLE predicted_image AS
       WITH asked AS (
         SELECT key, min(seq) AS seq, count(label) AS detections FROM predicted WHERE key IS NOT NULL GROUP BY key
       ), named AS (
         SELECT a.*, split_part(a.key, ':', 1) AS kind, substr(a.key, strpos(a.key, ':') + 1) AS value,
           s.name AS source_name, s.sha256 AS source_sha256, EXISTS (SELECT 1 FROM predicted_source) AS listed
         FROM asked a LEFT JOIN (SELECT DISTINCT ON (key) * FROM predicted_source) s ON s.key = a.key
       ), wanted AS (
         SELECT *, CASE kind WHEN 'sha256' THEN value ELSE source_sha256 END AS digest,
           CASE kind WHEN 'name' THEN value ELSE source_name END AS name,
           CASE WHEN kind = 'id' AND NOT listed AND value ~ '^[0-9]{1,9}$' THEN value::int END AS number
         FROM named
       )
       SELECT w.key, w.seq, w.detections, coalesce(
           (SELECT sha256 FROM predicted_item i WHERE i.sha256 = w.digest LIMIT 1),
           (SELECT min(sha256) FROM predicted_item i WHERE i.name = w.name HAVING count(*) = 1),
           (SELECT min(sha256) FROM predicted_item i WHERE i.called = w.name HAVING count(*) = 1),
           (SELECT min(sha256) FROM predicted_item i WHERE i.called_too = w.name HAVING count(*) = 1),
           (SELECT min(sha256) FROM predicted_item i WHERE i.base = regexp_replace(w.name, '^.*/', '') HAVING count(*) = 1),
           (SELECT sha256 FROM predicted_item i WHERE i.id = w.number)) AS sha256
       FROM wanted w`,
    );
    await this.runner.query('CREATE INDEX ON predicted_image (sha256); ANALYZE predicted_image');
  }

  /** An id that stands for two images, in files that do not belong together. @throws ShingoError LABELS_INVALID */
  async refuseAmbiguous(): Promise<void> {
    const rows: { id: string; names: string[] }[] = await this.runner.query(
      `/* predictions.ambiguous */ SELECT substr(key, strpos(key, ':') + 1) AS id, array_agg(DISTINCT name) AS names
       FROM predicted_source GROUP BY key HAVING count(DISTINCT (sha256, name)) > 1 ORDER BY key LIMIT 1`,
    );
    const [row] = rows;
    if (row) throw invalid('images', `the id ${row.id} is that of ${row.names.slice(0, 2).join(' and of ')}`);
  }

  /** Images that the version does not have, in the order of the file. */
  unknownImages(limit: number): Promise<UnknownImage[]> {
    return this.runner.query(
      `/* predictions.unknown */ SELECT substr(i.key, strpos(i.key, ':') + 1) AS key, p.position, i.detections::int AS detections
       FROM predicted_image i JOIN predicted p ON p.seq = i.seq WHERE i.sha256 IS NULL ORDER BY i.seq LIMIT $1`,
      [limit],
    );
  }

  /** Names of images of the split, to say what would have been known. */
  async someNames(): Promise<string[]> {
    const rows: { name: string }[] = await this.runner.query(
      '/* predictions.names */ SELECT name FROM predicted_item WHERE split ORDER BY id LIMIT 10',
    );
    return rows.map(({ name }) => name);
  }

  async counts(): Promise<StageCounts> {
    const [row]: StageCounts[] = await this.runner.query(
      `/* predictions.counts */ SELECT count(*) FILTER (WHERE i.split)::int AS images,
         coalesce(sum(m.detections) FILTER (WHERE i.split), 0)::int AS detections,
         coalesce(sum(m.detections) FILTER (WHERE i.split AND NOT i.labelled), 0)::int AS unlabelled,
         coalesce(sum(m.detections) FILTER (WHERE NOT i.split), 0)::int AS "otherSplits",
         count(*) FILTER (WHERE m.sha256 IS NULL)::int AS "unknownImages",
         coalesce(sum(m.detections) FILTER (WHERE m.sha256 IS NULL), 0)::int AS "onUnknown",
         (SELECT count(*)::int FROM predicted_item WHERE split) AS "splitImages"
       FROM predicted_image m LEFT JOIN predicted_item i ON i.sha256 = m.sha256`,
    );
    return row as StageCounts;
  }

  /** Every image of the split once, in the order of its exports. @param limit of an image and class, the best */
  async *images(limit: number): AsyncGenerator<StagedImage, void> {
    for (let after = 0; ;) {
      const rows: (StagedImage & { id: number })[] = await this.runner.query(
        `/* predictions.images */ WITH page AS (
           SELECT id, sha256 FROM predicted_item WHERE split AND id > $1 ORDER BY id LIMIT ${PAGE}
         ), found AS (
           SELECT page.id, p.*, row_number() OVER (PARTITION BY page.id, p.label ORDER BY p.score DESC, p.seq) AS rank
           FROM page JOIN predicted_image m ON m.sha256 = page.sha256 JOIN predicted p ON p.key = m.key
           WHERE p.label IS NOT NULL
         )
         SELECT page.id, page.sha256, coalesce(json_agg(json_build_array(f.label, f.score, f.x, f.y, f.width, f.height)
             ORDER BY f.score DESC, f.seq) FILTER (WHERE f.seq IS NOT NULL), '[]') AS detections
         FROM page LEFT JOIN found f ON f.id = page.id AND f.rank <= $2 GROUP BY page.id, page.sha256 ORDER BY page.id`,
        [after, limit],
      );
      yield* rows;
      if (rows.length < PAGE) return;
      after = rows.at(-1)!.id;
    }
  }
}

const PAGE = 500;

export interface StageCounts {
  /** Of the split, that the file names. */
  images: number;
  /** On them. */
  detections: number;
  /** Of these, on images that nobody has labelled: they are neither right nor wrong. */
  unlabelled: number;
  otherSplits: number;
  unknownImages: number;
  onUnknown: number;
  splitImages: number;
}

async function* inChunks(rows: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let text = '';
  for await (const row of rows) {
    text += row;
    if (text.length < FULL) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}
