/** What is shown of experiments that are deleted, and of what belongs to them: nothing, unless it is asked for. */
import { registerEnumType } from 'type-graphql';

export enum DeletedExperiments {
  EXCLUDE = 'EXCLUDE',
  INCLUDE = 'INCLUDE',
  ONLY = 'ONLY',
}
registerEnumType(DeletedExperiments, {
  name: 'DeletedExperiments',
  description: 'Whether a list has those that are deleted and not yet purged.',
});

/** SQL of a list of experiments. */
export const SHOWN: Record<DeletedExperiments, string[]> = {
  [DeletedExperiments.EXCLUDE]: ['t.deleted_at IS NULL'],
  [DeletedExperiments.INCLUDE]: [],
  [DeletedExperiments.ONLY]: ['t.deleted_at IS NOT NULL'],
};

/** SQL: that the experiment of a row, if it has one, is not deleted. A primary key is looked up for each row. */
export const ofShown = (row: string): string =>
  `NOT EXISTS (SELECT 1 FROM experiment gone WHERE gone.id = ${row}.experiment_id AND gone.deleted_at IS NOT NULL)`;
