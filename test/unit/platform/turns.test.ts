import { Turns } from '../../../src/platform/turns.js';

/** Work that ends when it is told to. */
function job() {
  const started = { yes: false };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const work = () => {
    started.yes = true;
    return promise;
  };
  return { started, work, end: resolve, fail: reject };
}

test('one at a time, in the order of asking; a failure hands the turn on; too many are refused', async () => {
  const turns = new Turns({ atATime: 1, waiting: 2 });
  const [first, second, third] = [job(), job(), job()];
  const running = [first, second, third].map(({ work }) =>
    turns.run(work).catch((error: Error) => error.message),
  );
  await expect(turns.run(async () => 'late')).rejects.toMatchObject({ code: 'TOO_BUSY', httpStatus: 503 });
  expect([first, second, third].map(({ started }) => started.yes)).toEqual([true, false, false]);
  first.fail(new Error('broken'));
  expect(await running[0]).toBe('broken');
  expect([second, third].map(({ started }) => started.yes)).toEqual([true, false]);
  second.end();
  await running[1];
  expect(third.started.yes).toBe(true);
  third.end();
  await running[2];
  expect(await turns.run(async () => 'free again')).toBe('free again');
});
