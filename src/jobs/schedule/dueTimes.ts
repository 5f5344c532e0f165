/** When a cron expression is due in a time zone. Pure; croner knows the zones and their changes of the clock. */
import { Cron } from 'croner';
import { ShingoError } from '../../platform/error.js';

export interface Times {
  /** Five fields: minute, hour, day of the month, month, day of the week. */
  cron: string;
  /** IANA name, e.g. Asia/Tokyo. */
  timeZone: string;
}

/** Missed times are counted so far: 200 take 80 ms. */
export const MOST_MISSED = 200;

const parsed = ({ cron, timeZone }: Times): Cron =>
  new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true });

/** @throws ShingoError SCHEDULE_INVALID: no expression, no zone, or never due */
export function checkTimes(times: Times): void {
  const bad = (field: string, message: string) => new ShingoError('SCHEDULE_INVALID', message, 400, [field]);
  try {
    Intl.DateTimeFormat('en', { timeZone: times.timeZone });
  } catch {
    throw bad('timeZone', 'timeZone is a name such as Asia/Tokyo or UTC.');
  }
  let next: Date | null;
  try {
    next = times.cron.length > 200 ? null : nextAfter(times, new Date());
  } catch (error) {
    throw bad('cron', `cron has five fields, such as "0 3 * * *": ${(error as Error).message.slice(0, 200)}`);
  }
  if (!next) throw bad('cron', 'This time never comes.');
}

/** Null: never again. */
export const nextAfter = (times: Times, after: Date): Date | null => parsed(times).nextRun(after);

export const nextTimes = (times: Times, count: number, after: Date): Date[] =>
  parsed(times).nextRuns(count, after);

/**
 * Of the times from `due` to `now` the newest, and how many come before it (counted to MOST_MISSED): who was away runs
 * once, not once for each.
 */
export function newestDue(times: Times, due: Date, now: Date): { due: Date; missed: number } {
  const cron = parsed(times);
  for (let [at, missed] = [due, 0]; ; missed += 1) {
    const next = cron.nextRun(at);
    if (!next || next > now) return { due: at, missed };
    if (missed === MOST_MISSED) {
      // The search backwards leaves out the second that it begins with.
      const [newest = next] = cron.previousRuns(1, new Date(now.getTime() + 1_000));
      return { due: newest > now ? at : newest, missed };
    }
    at = next;
  }
}
