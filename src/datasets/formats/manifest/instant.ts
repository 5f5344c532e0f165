const PATTERN = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?$/;
/** No clock on Earth is further from UTC than this (Kiribati). */
const MAX_OFFSET_MINUTES = 14 * 60;

/** An RFC 3339 time as an instant in ISO form; throws an Error whose message completes `"…" `. */
export function parseInstant(text: string): string {
  const match = PATTERN.exec(text);
  if (!match) throw new Error('is not a time such as 2024-05-01T18:30:00+09:00');
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const zone = match[8];
  if (!zone) {
    throw new Error(
      'has no zone offset, so which instant is it? Write …+09:00 for Japanese local time, or …Z for UTC',
    );
  }
  const offset = offsetMinutes(zone);
  const milliseconds = Math.trunc(Number(match[7] ?? 0) * 1000);
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second, milliseconds));
  // Date rolls 30 February over to March: a time exists only when it comes back unchanged.
  const exists =
    local.getUTCFullYear() === year &&
    local.getUTCMonth() === month - 1 &&
    local.getUTCDate() === day &&
    local.getUTCHours() === hour &&
    local.getUTCMinutes() === minute &&
    local.getUTCSeconds() === second;
  if (!exists) throw new Error('does not exist in the calendar or on the clock');
  return new Date(local.getTime() - offset * 60_000).toISOString();
}

function offsetMinutes(zone: string): number {
  if (/z/i.test(zone)) return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  const total = hours * 60 + minutes;
  if (minutes > 59 || total > MAX_OFFSET_MINUTES) throw new Error(`has an impossible zone offset ${zone}`);
  return zone.startsWith('-') ? -total : total;
}
