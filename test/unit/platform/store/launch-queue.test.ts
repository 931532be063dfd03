import { afterEach, expect, test } from 'vitest';
import {
  addToQueue,
  countQueued,
  readQueue,
  readQueueHead,
  removeFromQueue,
} from '../../../../functions/platform/store/launch-queue.ts';
import { ClientLoans, governorTable } from '../governor/governor-table.ts';
import { want } from '../governor/wanted.ts';

const SITE = { connectionKey: 'sim/default/sim-aws', location: 'us-east-1' };
const LARGE = 'f1kdvdnb97d98z6rm';
const SMALL = 'f1kdvdnb97d98z6rn';

const loans = new ClientLoans();
afterEach(() => loans.takeBack());

/** Creates a launch queue with the launches of two fleets. The launches of the small fleet were added later. */
async function queueOfTwoFleets(large: number, small: number) {
  const { store } = governorTable(loans);
  const add = async (fleetId: string, count: number, turn: number) => {
    const launches = Array.from({ length: count }, (_, index) => ({
      message: {
        kind: 'launch',
        fleetId,
        index,
        ...SITE,
        round: 1,
        taskToken: 'token',
      } as const,
      wanted: want(`${fleetId}-${String(index).padStart(5, '0')}`, { fleetId }),
    }));
    await addToQueue(store, SITE, launches, { turn, step: 4 });
  };
  await add(LARGE, large, 0);
  await add(SMALL, small, 20);
  return store;
}

const idsOf = (items: readonly { wanted: { instanceId: string } }[]) =>
  items.map(({ wanted }) => wanted.instanceId);

test('for each read limit, a read of a queue returns the first entries of the queue', async () => {
  const store = await queueOfTwoFleets(40, 10);
  const all = idsOf(await readQueue(store, SITE));
  expect(new Set(all).size).toBe(50);
  // The small fleet was added at turn 20 of the fair order. From that turn on, the entries of both fleets alternate.
  expect(all.slice(0, 4).every((id) => id.startsWith(LARGE))).toBe(true);
  expect(all.slice(4, 25).filter((id) => id.startsWith(SMALL))).toHaveLength(10);
  for (let limit = 1; limit <= 60; limit += 1) {
    const first = idsOf(await readQueueHead(store, SITE, limit));
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThanOrEqual(limit);
    expect(first).toEqual(all.slice(0, first.length));
  }
  expect([...(await countQueued(store, SITE))]).toEqual([
    [LARGE, 40],
    [SMALL, 10],
  ]);
});

test('the entries of a queue are read and removed in order', async () => {
  const store = await queueOfTwoFleets(17, 3);
  const gone: string[] = [];
  for (;;) {
    const first = await readQueueHead(store, SITE, 5);
    if (first.length === 0) break;
    gone.push(...first.map(({ sk }) => sk));
    await removeFromQueue(store, first);
  }
  expect(gone).toHaveLength(20);
  expect(gone).toEqual(gone.toSorted());
});
