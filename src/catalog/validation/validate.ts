/** Judging images of a project by its rules: any set of them, or those that are being written. */
import type { DataSource, EntityManager } from 'typeorm';
import { compileWhere, type Where } from '../../graphql/list/where.js';
import { UserErrors } from '../../graphql/userError.js';
import { ShingoError } from '../../platform/error.js';
import { conditionFilters } from '../condition/conditionService.js';
import { imageFields } from '../image/imageFields.js';
import { judge } from './judge.js';
import { refusals, type ValidationReport } from './report.js';
import { ValidationKind } from './rule.js';
import { holdRules, rulesOf } from './ruleService.js';
import { catalogImages } from './sources.js';

const MAX_ERRORS = 20;

/**
 * Four statements at most. A million images with 4.4 million boxes by 15 rules: 4.7 s on 2 cores.
 * @param where missing: all images of the project
 * @throws ShingoError NOT_FOUND, FILTER_INVALID, CONDITION_UNKNOWN
 */
export async function validateImages(
  db: DataSource | EntityManager,
  projectUuid: string,
  where?: Where | null,
): Promise<ValidationReport> {
  const rules = await rulesOf(db, projectUuid);
  const condition = await conditionFilters(db, projectUuid, where);
  return judge(
    db,
    (parameters) =>
      catalogImages(projectUuid, compileWhere(imageFields(), where, { parameters, condition }), parameters),
    rules,
  );
}

/**
 * Judges images that this transaction has written. CLASS_COUNT is left out: it says something of a whole set. Reports
 * of several batches are added up by mergeReports.
 * @throws ShingoError NOT_FOUND
 */
export async function validateImported(
  manager: EntityManager,
  projectUuid: string,
  imageUuids: readonly string[],
): Promise<ValidationReport> {
  const rules = await holdRules(manager, projectUuid);
  return judge(
    manager,
    (parameters) => {
      const batch = parameters.add(imageUuids, 'uuid[]');
      return catalogImages(projectUuid, `t.id = ANY(${batch})`, parameters, `a.image_id = ANY(${batch})`);
    },
    rules.filter(({ kind }) => kind !== ValidationKind.CLASS_COUNT),
  );
}

/** Where an image that is being written came from. */
export interface Origin {
  /** For people: the name of the image's file or, of an import, the label file and the position in it. */
  name: string;
  /** Where it stands in a mutation's input. */
  field?: string[];
}

/**
 * The same, and refuses what breaks a rule of severity ERROR: call it in the transaction that wrote the images, which
 * then takes them back.
 * @param allowWith what its user may say to have them all the same
 * @throws UserErrors with VALIDATION_FAILED, 20 at most; each names the rule, the image and what is wrong with it
 */
export async function refuseInvalid(
  manager: EntityManager,
  projectUuid: string,
  imageUuids: readonly string[],
  originOf: (imageUuid: string) => Origin,
  allowWith = 'allowInvalid',
): Promise<ValidationReport> {
  const report = await validateImported(manager, projectUuid, imageUuids);
  const errors = refusals(report).flatMap(({ rule, failed, examples }) =>
    examples.map(({ imageUuid, detail }) => {
      const { name, field } = originOf(imageUuid as string);
      const others = failed > 1 ? `, which ${failed} break here` : '';
      return new ShingoError(
        'VALIDATION_FAILED',
        `${name}: ${detail}. That breaks the project's rule ${rule.kind}${others}; mend it, allow it with ${allowWith}, or change the rules (setValidationRules).`,
        400,
        field,
      );
    }),
  );
  if (errors.length > 0) throw new UserErrors(errors.slice(0, MAX_ERRORS));
  return report;
}
