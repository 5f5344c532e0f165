import { pino } from 'pino';
import { createHub, hint, type Hub } from '../../../src/platform/hub.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { until } from '../../faults/world.js';

let database: TestDatabase;
let hub: Hub;
beforeAll(async () => {
  database = await createTestDatabase();
  hub = createHub(database.url, pino({ level: 'silent' }));
});
afterAll(async () => {
  await hub.close();
  await database.stop();
});

const FAR = 60_000;
const listening = () =>
  until(async () => {
    const [{ n }] = await database.db.query(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'shingo hub' AND query LIKE '%LISTEN%' AND datname = current_database()",
    );
    return n > 0;
  });

it('wakes whoever waits for the key, and nobody else', async () => {
  await listening();
  const [a, b] = [hub.listen('t', 'a'), hub.listen('t', 'b')];
  const woken: string[] = [];
  const both = Promise.all([
    a.wait(FAR).then(() => woken.push('a')),
    b.wait(FAR).then(() => woken.push('b')),
  ]);
  await hint(database.db, 't', 'a');
  await until(async () => woken.length > 0);
  expect(woken).toEqual(['a']);
  b.close();
  await both;
  a.close();
});

it('remembers a hint that came before the wait, once', async () => {
  const hints = hub.listen('t', 'early');
  const other = hub.listen('t', 'early');
  await hint(database.db, 't', 'early');
  await other.wait(FAR);
  await hints.wait(FAR);
  const started = Date.now();
  await hints.wait(50);
  expect(Date.now() - started).toBeGreaterThanOrEqual(45);
  hints.close();
  other.close();
});

it('makes one of many hints, and never loses the last', async () => {
  const hints = hub.listen('t', 'many');
  let [sent, waking, seen] = [0, 0, 0];
  const reader = (async () => {
    while (seen < 200) {
      await hints.wait(FAR);
      waking += 1;
      seen = sent;
    }
  })();
  for (let i = 0; i < 200; i += 1) {
    sent += 1;
    await hint(database.db, 't', 'many');
  }
  await reader;
  expect(waking).toBeLessThan(100);
  hints.close();
});

it('ticks without hints, and ends at once when its signal is aborted', async () => {
  const client = new AbortController();
  const hints = hub.listen('t', 'tick', client.signal);
  await hints.wait(10);
  const waiting = hints.wait(FAR);
  client.abort();
  await waiting;
  expect(hints.closed).toBe(true);
  await hints.wait(FAR);
});

it('comes back when its connection is cut, and wakes everyone', async () => {
  await listening();
  const hints = hub.listen('t', 'cut');
  const woken = hints.wait(FAR);
  await database.db.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shingo hub' AND datname = current_database()",
  );
  await woken;
  await listening();
  const again = hints.wait(FAR);
  await hint(database.db, 't', 'cut');
  await again;
  hints.close();
});

it('asks once what many ask together, and again what is asked later', async () => {
  let asked = 0;
  const ask = async () => {
    asked += 1;
    // Whoever comes while the answer is on its way gets one of their own: this one may be too old for them.
    if (asked === 1) void hub.together('q', ask);
    return asked;
  };
  expect(await Promise.all([1, 2, 3].map(() => hub.together('q', ask)))).toEqual([1, 1, 1]);
  expect(await hub.together('q', ask)).toBe(2);
  await expect(hub.together('bad', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await hub.together('bad', () => Promise.resolve('yes'))).toBe('yes');
});
