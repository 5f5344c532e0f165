/** A batch that has been written, by the rules of its project. */
import type { EntityManager } from 'typeorm';
import type { ValidationReport } from '../../catalog/validation/report.js';
import { refuseInvalid, validateImported } from '../../catalog/validation/validate.js';
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';

const MAX_NAMED = 3;

export interface Batch {
  /** Where each image came from, by its UUID: file and record. */
  origins: ReadonlyMap<string, string>;
  /** What breaks a rule is written all the same, and reported. */
  lenient: boolean;
  /** Frames of the batches before: they stay. */
  before: number;
}

/** @throws ShingoError VALIDATION_FAILED, naming file and record of the first three; the batch is taken back with it */
export async function obey(
  manager: EntityManager,
  projectUuid: string,
  { origins, lenient, before }: Batch,
): Promise<ValidationReport | null> {
  if (origins.size === 0) return null;
  const uuids = [...origins.keys()];
  if (lenient) return validateImported(manager, projectUuid, uuids);
  try {
    return await refuseInvalid(
      manager,
      projectUuid,
      uuids,
      (uuid) => ({ name: origins.get(uuid) ?? uuid }),
      'lenient',
    );
  } catch (error) {
    if (!(error instanceof UserErrors)) throw error;
    const named = error.errors.slice(0, MAX_NAMED).map(({ message }) => message);
    const stay = before > 0 ? [`The ${before} frames before this batch are in the catalog and stay.`] : [];
    throw new ShingoError('VALIDATION_FAILED', [...named, ...stay].join(' '), 422);
  }
}
