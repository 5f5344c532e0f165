import { QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { ShingoError, messageOf } from '../error.js';

interface PgError {
  code?: string;
  constraint?: string;
  detail?: string;
  message?: string;
  driverError?: PgError;
}

/** The PostgreSQL error within whatever the driver or TypeORM threw; null if it is none. */
export function pgError(error: unknown): PgError | null {
  const outer = error as PgError | null;
  const inner = outer?.driverError ?? outer;
  // No class of SQLSTATE begins with E, as the system's own EPIPE does.
  return typeof inner?.code === 'string' && /^[0-9FHPX][0-9A-Z]{4}$/.test(inner.code) ? inner : null;
}

/** 08: the connection broke; 57P01 to 57P03: the server shuts down, has crashed or is starting; 53300: it has no connection left. */
const AWAY = /^(08|57P0[1-3]$|53300$)/;
/** What the driver says in words: of sockets, of a pool that got no connection in time, of a client that is cut off. */
const CUT_OFF =
  /\b(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH)\b|^Connection terminated|^Connection ended|timeout exceeded when trying to connect|is not queryable/;

/** Whether the server, or the way to it, is gone for the moment. What was sent last may have been done or not. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof ShingoError) return error.code === DATABASE_UNAVAILABLE;
  // The connection broke between two statements of a transaction, and TypeORM has given it back.
  if (
    error instanceof QueryRunnerProviderAlreadyReleasedError ||
    error instanceof QueryRunnerAlreadyReleasedError
  )
    return true;
  const pg = pgError(error);
  return pg?.code ? AWAY.test(pg.code) : CUT_OFF.test(messageOf(error));
}

/** Its machine says that nobody listens there, or the server that it stops or starts: it is down for everyone. */
export const isDatabaseDown = (error: unknown): boolean =>
  /^57P0[1-3]$/.test(pgError(error)?.code ?? '') || /\bECONNREFUSED\b/.test(messageOf(error));

export const DATABASE_UNAVAILABLE = 'DATABASE_UNAVAILABLE';

export const isUniqueViolation = (error: unknown, constraint?: string): boolean => {
  const pg = pgError(error);
  return pg?.code === '23505' && (constraint === undefined || pg.constraint === constraint);
};

/** Two transactions waited for each other, or met: the one that was broken off has changed nothing. */
export const isCollision = (error: unknown): boolean => /^40(001|P01)$/.test(pgError(error)?.code ?? '');

/** Somebody held a row for longer than lock_timeout. */
export const isLocked = (error: unknown): boolean => pgError(error)?.code === '55P03';

const MAX_TRIES = 4;

/**
 * Runs a transaction, and runs it again where it collided with another: locks are taken in one order everywhere, but a
 * change of the project itself (its name, its precedence) cannot keep to it. Outside any transaction.
 */
export async function againIfCollided<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries >= MAX_TRIES || !isCollision(error)) throw error;
    }
  }
}

/** A value that the database refuses is the user's to mend; every other database error is ours. */
export function translateDatabaseError(error: unknown): unknown {
  const pg = pgError(error);
  if (!(error instanceof ShingoError) && isDatabaseAway(error)) {
    const message =
      'The database is away for a moment, and whether a change was made is not known: ask again, a mutation with the same idempotencyKey.';
    return new ShingoError(DATABASE_UNAVAILABLE, message, 503);
  }
  // Half of a surrogate pair, which JavaScript's texts and JSON may hold and PostgreSQL's JSON may not.
  if (pg?.code === '22P02' && pg.message?.endsWith('type json')) {
    return new ShingoError('BAD_USER_INPUT', 'A text holds a character that cannot be stored.');
  }
  switch (pg?.code) {
    case '23514':
      return new ShingoError(
        'BAD_USER_INPUT',
        `A value is out of its range (rule ${pg.constraint ?? 'unnamed'}).`,
      );
    case '22021': // A text with a NUL character.
    case '22P05':
      return new ShingoError('BAD_USER_INPUT', 'A text holds a character that cannot be stored.');
    case '22003':
    case '22008':
      return new ShingoError('BAD_USER_INPUT', 'A number or a time is beyond what can be stored.');
    case '57014':
      return new ShingoError('TIMEOUT', 'The database needed too long for this; ask for less.', 503);
    case '40001':
    case '40P01':
      return new ShingoError('CONFLICT', 'Another request changed the same rows; try again.', 409);
    default:
      return error;
  }
}
