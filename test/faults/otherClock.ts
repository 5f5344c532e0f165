/**
 * A clock that is wrong, for a process that is started with `--import` of `otherClock(…)`: Date is so many milliseconds off,
 * and after SIGUSR2 so many others, as when somebody sets the clock. What counts from the start of the process or of the
 * machine goes on as it is, as it does then.
 */
const OFF = 'ms';
const LATER = 'later';

/** What Node is to import. */
export const otherClock = (ms: number, later = ms): string => {
  const url = new URL('./otherClock.js', import.meta.url);
  url.search = new URLSearchParams({ [OFF]: String(ms), [LATER]: String(later) }).toString();
  return url.href;
};

const asked = new URL(import.meta.url).searchParams;
if (asked.has(OFF)) {
  let off = Number(asked.get(OFF));
  process.on('SIGUSR2', () => (off = Number(asked.get(LATER))));
  const Right = Date;
  const now = () => Right.now() + off;
  globalThis.Date = new Proxy(Right, {
    construct: (target, given: ConstructorParameters<DateConstructor> | []) =>
      given.length === 0 ? new target(now()) : new target(...given),
    apply: () => new Right(now()).toString(),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  });
}
