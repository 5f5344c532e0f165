/**
 * An error that a user can meet: a stable code, a sentence that says what to do, and the HTTP status it has
 * where it leaves by HTTP. Everything else that is thrown is a fault of ours and is reported as INTERNAL.
 */
export class ShingoError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly httpStatus = 400,
    /** Where in the input, e.g. ['rows', '3', 'weather']. */
    readonly field?: string[],
  ) {
    super(message);
    this.name = 'ShingoError';
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
