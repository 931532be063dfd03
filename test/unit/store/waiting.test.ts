import { afterEach, expect, test } from 'vitest';
import {
  addWaiting,
  countWaiting,
  isAstray,
  linePartsOf,
  readAllWaiting,
  readWaiting,
  removeWaiting,
} from '../../../functions/platform/store/waiting.ts';
import { ClientLoans, governorTable } from '../governor/governor-table.ts';
import { limits, want } from '../governor/wanted.ts';

const at = (perSecond: number) => ({
  connectionKey: 'default/sim-aws',
  location: 'us-east-1',
  limits: limits({ calls: { create: { perSecond, burst: perSecond } } }),
});
const FAST = at(500);
const SLOW = at(20);
const LARGE = 'f1kdvdnb97d98z6rm';
const SMALL = 'f1kdvdnb97d98z6rn';

const loans = new ClientLoans();
afterEach(() => loans.takeBack());

/** A line in which two fleets stand, the smaller one since later. */
async function line(place: ReturnType<typeof at>, large: number, small: number) {
  const { store } = governorTable(loans);
  const { connectionKey, location } = place;
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
    await addWaiting(store, place, launches, { turn, step: 4 });
  };
  await add(LARGE, large, 0);
  await add(SMALL, small, 20);
  return store;
}

const idsOf = (items: readonly { wanted: { instanceId: string } }[]) =>
  items.map(({ wanted }) => wanted.instanceId);

test.each([
  ['one part', SLOW, 1],
  ['as many parts as five hundred launches a second need', FAST, 4],
])('a line is in %s, and the first of it are the same, however few are read', async (_, place, parts) => {
  const store = await line(place, 40, 10);
  const rows = await readAllWaiting(store, place);
  expect(linePartsOf(place)).toBe(parts);
  const perPart = [...Map.groupBy(rows, ({ pk }) => pk).values()].map(({ length }) => length);
  expect(perPart).toHaveLength(parts);
  expect(Math.max(...perPart)).toBeLessThanOrEqual(1.3 * (50 / parts));
  const all = idsOf(rows);
  expect(new Set(all).size).toBe(50);
  // The small fleet began at the fifth turn: from there on they take turns.
  expect(all.slice(0, 4).every((id) => id.startsWith(LARGE))).toBe(true);
  expect(all.slice(4, 25).filter((id) => id.startsWith(SMALL))).toHaveLength(10);
  for (let limit = 1; limit <= 60; limit += 1) {
    const first = idsOf(await readWaiting(store, place, limit));
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThanOrEqual(limit);
    expect(first).toEqual(all.slice(0, first.length));
  }
  expect([...(await countWaiting(store, place))]).toEqual([
    [LARGE, 40],
    [SMALL, 10],
  ]);
});

test('a line is emptied by taking out what comes first, however it is spread', async () => {
  const store = await line(FAST, 17, 3);
  const gone: string[] = [];
  for (;;) {
    const first = await readWaiting(store, FAST, 5);
    if (first.length === 0) break;
    gone.push(...first.map(({ sk }) => sk));
    await removeWaiting(store, first);
  }
  expect(gone).toHaveLength(20);
  expect(gone).toEqual(gone.toSorted());
});

test('what stands in parts that nobody reads any more, since the limits have changed, is astray', async () => {
  const store = await line(FAST, 20, 0);
  const found = await readAllWaiting(store, SLOW);
  expect(found.some((item) => isAstray(item, SLOW))).toBe(false);
  const all = await readAllWaiting(store, SLOW, { withAstray: true });
  expect(all).toHaveLength(20);
  expect(all.filter((item) => !isAstray(item, SLOW))).toEqual(found);
  expect(found.length).toBeLessThan(10);
});
