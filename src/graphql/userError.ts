/** What a mutation answers when the input, though well-formed, cannot be done. */
import { Field, ObjectType } from 'type-graphql';
import {
  DATABASE_UNAVAILABLE,
  againIfCollided,
  translateDatabaseError,
} from '../platform/database/errors.js';
import { ShingoError } from '../platform/error.js';

@ObjectType({ description: 'Why a mutation changed nothing.' })
export class UserError {
  @Field(() => String, { description: 'Stable; docs/errors.md lists them.' })
  code: string;

  @Field(() => String, { description: 'What is wrong and what to do.' })
  message: string;

  @Field(() => [String], { nullable: true, description: 'Where in the input, outermost first.' })
  field?: string[] | null;
}

@ObjectType()
export abstract class Payload {
  @Field(() => [UserError], {
    description: 'Empty when the mutation was done; otherwise nothing was changed.',
  })
  userErrors: UserError[];
}

const NO_USER_ERROR = new Set(['INVALID_ID', DATABASE_UNAVAILABLE]);

/** Several errors at once, where a whole batch is refused. */
export class UserErrors extends Error {
  constructor(readonly errors: ShingoError[]) {
    super(errors.map((error) => error.message).join('\n'));
  }
}

/**
 * Runs a mutation; errors that a user can mend become `userErrors`, everything else stays a fault.
 * @param work one transaction, or what is idempotent: it is done again where it collided with another
 */
export async function payload<P extends Payload>(
  type: new () => P,
  work: () => Promise<Omit<P, 'userErrors'>>,
): Promise<P> {
  const result = new type();
  try {
    return Object.assign(result, await againIfCollided(work), { userErrors: [] });
  } catch (caught) {
    const error = translateDatabaseError(caught);
    const errors = error instanceof UserErrors ? error.errors : error instanceof ShingoError ? [error] : null;
    // A wrong id is a wrong request, not a mutation that could not be done; without the database nobody knows whether it was.
    if (errors === null || errors.some(({ code }) => NO_USER_ERROR.has(code))) throw error;
    result.userErrors = errors.map(({ code, message, field }) => ({ code, message, field: field ?? null }));
    return result;
  }
}
