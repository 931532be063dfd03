import { afterEach, expect, test } from 'vitest';
import {
  addToQueue,
  countQueued,
  isMisplaced,
  queuePartsOf,
  readQueue,
  readQueueHead,
  removeFromQueue,
} from '../../../../functions/platform/store/launch-queue.ts';
import { ClientLoans, governorTable } from '../governor/governor-table.ts';
import { limits, want } from '../governor/wanted.ts';

const at = (perSecond: number) => ({
  connectionKey: 'sim/default/sim-aws',
  location: 'us-east-1',
  limits: limits({ calls: { create: { perSecond, burst: perSecond } } }),
});
const FAST = at(500);
const SLOW = at(20);
const LARGE = 'f1kdvdnb97d98z6rm';
const SMALL = 'f1kdvdnb97d98z6rn';

const loans = new ClientLoans();
afterEach(() => loans.takeBack());

/** Creates a launch queue with the launches of two fleets. The launches of the small fleet were added later. */
async function queueOfTwoFleets(site: ReturnType<typeof at>, large: number, small: number) {
  const { store } = governorTable(loans);
  const { connectionKey, location } = site;
  const add = async (fleetId: string, count: number, turn: number) => {
    const launches = Array.from({ length: count }, (_, index) => ({
      message: {
        kind: 'launch',
        fleetId,
        index,
        connectionKey,
        location,
        round: 1,
        taskToken: 'token',
      } as const,
      wanted: want(`${fleetId}-${String(index).padStart(5, '0')}`, { fleetId }),
    }));
    await addToQueue(store, site, launches, { turn, step: 4 });
  };
  await add(LARGE, large, 0);
  await add(SMALL, small, 20);
  return store;
}

const idsOf = (items: readonly { wanted: { instanceId: string } }[]) =>
  items.map(({ wanted }) => wanted.instanceId);

test.each([
  ['one partition', SLOW, 1],
  ['the partitions that 500 launches a second need', FAST, 4],
])(
  'for each read limit, a read of a queue in %s returns the first entries of the queue',
  async (_, site, parts) => {
    const store = await queueOfTwoFleets(site, 40, 10);
    const entries = await readQueue(store, site);
    expect(queuePartsOf(site)).toBe(parts);
    const perPart = [...Map.groupBy(entries, ({ pk }) => pk).values()].map(({ length }) => length);
    expect(perPart).toHaveLength(parts);
    expect(Math.max(...perPart)).toBeLessThanOrEqual(1.3 * (50 / parts));
    const all = idsOf(entries);
    expect(new Set(all).size).toBe(50);
    // The small fleet was added at turn 20 of the fair order. From that turn on, the entries of both fleets alternate.
    expect(all.slice(0, 4).every((id) => id.startsWith(LARGE))).toBe(true);
    expect(all.slice(4, 25).filter((id) => id.startsWith(SMALL))).toHaveLength(10);
    for (let limit = 1; limit <= 60; limit += 1) {
      const first = idsOf(await readQueueHead(store, site, limit));
      expect(first.length).toBeGreaterThan(0);
      expect(first.length).toBeLessThanOrEqual(limit);
      expect(first).toEqual(all.slice(0, first.length));
    }
    expect([...(await countQueued(store, site))]).toEqual([
      [LARGE, 40],
      [SMALL, 10],
    ]);
  },
);

test('the entries of a queue in several partitions are read and removed in order', async () => {
  const store = await queueOfTwoFleets(FAST, 17, 3);
  const gone: string[] = [];
  for (;;) {
    const first = await readQueueHead(store, FAST, 5);
    if (first.length === 0) break;
    gone.push(...first.map(({ sk }) => sk));
    await removeFromQueue(store, first);
  }
  expect(gone).toHaveLength(20);
  expect(gone).toEqual(gone.toSorted());
});

test('after a limit change, entries in partitions that are no longer read are misplaced', async () => {
  const store = await queueOfTwoFleets(FAST, 20, 0);
  const found = await readQueue(store, SLOW);
  expect(found.some((item) => isMisplaced(item, SLOW))).toBe(false);
  const all = await readQueue(store, SLOW, { withMisplaced: true });
  expect(all).toHaveLength(20);
  expect(all.filter((item) => !isMisplaced(item, SLOW))).toEqual(found);
  expect(found.length).toBeLessThan(10);
});
