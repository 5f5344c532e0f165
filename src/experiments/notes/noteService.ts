/** Tags and notes of experiments. Each write is one statement or one transaction; asked for again it changes nothing. */
import type { DataSource, EntityManager } from 'typeorm';
import type { Loaders } from '../../graphql/context.js';
import { ShingoError } from '../../platform/error.js';
import { newId } from '../../platform/ids.js';

type Db = DataSource | EntityManager;

export const MAX_TAGS = 100;
export const MAX_TAGGED = 500;
const MAX_NOTES = 1000;
const MAX_NOTE = 20_000;

export async function tagsOf(load: Loaders, db: Db, uuid: string): Promise<string[]> {
  return load.batch('experiment.tags', (uuids) => selectTags(db, uuids)).load(uuid);
}

async function selectTags(db: Db, uuids: readonly string[]): Promise<string[][]> {
  const rows: { experiment_id: string; tags: string[] }[] = await db.query(
    `/* experiment.tags */ SELECT experiment_id, array_agg(tag ORDER BY tag) AS tags FROM experiment_tag
     WHERE experiment_id = ANY ($1) GROUP BY experiment_id`,
    [uuids],
  );
  const found = new Map(rows.map((row) => [row.experiment_id, row.tags]));
  return uuids.map((uuid) => found.get(uuid) ?? []);
}

/** @throws ShingoError BAD_USER_INPUT, NOT_FOUND */
export async function tagExperiments(
  db: DataSource,
  uuids: string[],
  { add, remove }: { add: string[]; remove: string[] },
): Promise<void> {
  for (const [field, tags] of Object.entries({ add, remove }))
    for (const tag of tags)
      if (tag.length === 0 || tag.length > 100 || tag.includes('\0'))
        throw new ShingoError('BAD_USER_INPUT', 'A tag has 1 to 100 characters.', 400, [field]);
  if (add.some((tag) => remove.includes(tag)))
    throw new ShingoError('BAD_USER_INPUT', 'A tag is added or removed, not both.', 400, ['remove']);
  if (uuids.length > MAX_TAGGED)
    throw new ShingoError('BAD_USER_INPUT', `At most ${MAX_TAGGED} experiments at a time.`, 400, ['ids']);
  await db.transaction(async (manager) => {
    // Locked in one order: two who tag the same experiments do not wait for each other in a circle.
    const there: unknown[] = await manager.query(
      '/* experiment.lockTagged */ SELECT id FROM experiment WHERE id = ANY ($1) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE',
      [uuids],
    );
    if (there.length !== new Set(uuids).size)
      throw new ShingoError('NOT_FOUND', 'There is no such experiment among them, or it is deleted.', 404, [
        'ids',
      ]);
    await manager.query(
      '/* experiment.untag */ DELETE FROM experiment_tag WHERE experiment_id = ANY ($1) AND tag = ANY ($2)',
      [uuids, remove],
    );
    await manager.query(
      `/* experiment.tag */ INSERT INTO experiment_tag (experiment_id, tag)
       SELECT e.id, tag FROM unnest($1::uuid[]) AS e(id), unnest($2::text[]) AS tag ON CONFLICT DO NOTHING`,
      [uuids, add],
    );
    const [most]: { n: number }[] = await manager.query(
      `/* experiment.countTags */ SELECT count(*)::int AS n FROM experiment_tag WHERE experiment_id = ANY ($1)
       GROUP BY experiment_id ORDER BY 1 DESC LIMIT 1`,
      [uuids],
    );
    if ((most?.n ?? 0) > MAX_TAGS)
      throw new ShingoError('BAD_USER_INPUT', `An experiment has at most ${MAX_TAGS} tags.`, 400, ['add']);
  });
}

function checkNote(text: string): void {
  if (text.trim() !== '' && text.length <= MAX_NOTE && !text.includes('\0')) return;
  throw new ShingoError('BAD_USER_INPUT', `A note has 1 to ${MAX_NOTE} characters.`, 400, ['text']);
}

const noNote = () => new ShingoError('NOT_FOUND', 'There is no such note.', 404, ['id']);

/** Returns the UUID. @throws ShingoError BAD_USER_INPUT, NOT_FOUND */
export async function addNote(
  db: DataSource,
  author: string,
  experimentUuid: string,
  text: string,
): Promise<string> {
  checkNote(text);
  return db.transaction(async (manager) => {
    const uuid = newId();
    await manager.query(
      '/* experiment.lockNoted */ SELECT 1 FROM experiment WHERE id = $1 FOR NO KEY UPDATE',
      [experimentUuid],
    );
    const inserted: unknown[] = await manager.query(
      `/* experiment.addNote */ INSERT INTO experiment_note (id, experiment_id, text, author)
       SELECT $1, $2, $3, $4 FROM experiment WHERE id = $2
         AND (SELECT count(*) FROM experiment_note WHERE experiment_id = $2) < ${MAX_NOTES} RETURNING id`,
      [uuid, experimentUuid, text, author],
    );
    if (inserted.length > 0) return uuid;
    throw new ShingoError('BAD_USER_INPUT', `An experiment has at most ${MAX_NOTES} notes.`, 400, ['id']);
  });
}

/** @throws ShingoError BAD_USER_INPUT, NOT_FOUND */
export async function changeNote(db: Db, uuid: string, text: string): Promise<void> {
  checkNote(text);
  const [rows]: [unknown[]] = await db.query(
    '/* experiment.changeNote */ UPDATE experiment_note SET text = $2, updated_at = now() WHERE id = $1 RETURNING id',
    [uuid, text],
  );
  if (rows.length === 0) throw noNote();
}

/** @throws ShingoError NOT_FOUND */
export async function removeNote(db: Db, uuid: string): Promise<void> {
  const [rows]: [unknown[]] = await db.query(
    '/* experiment.removeNote */ DELETE FROM experiment_note WHERE id = $1 RETURNING id',
    [uuid],
  );
  if (rows.length === 0) throw noNote();
}
