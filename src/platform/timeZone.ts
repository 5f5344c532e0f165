/**
 * An IANA time zone by region and city, or UTC. JavaScript takes more, which PostgreSQL reads otherwise or not at all:
 * `+09:00` is nine hours west of Greenwich there (POSIX), CET knows no summer, AST is the Atlantic and not Alaska.
 */
export function isTimeZone(name: string): boolean {
  if (!/^(UTC|GMT|[A-Za-z_]+\/[A-Za-z0-9_+\-/]+)$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
