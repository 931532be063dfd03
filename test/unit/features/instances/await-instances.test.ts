import { afterEach, beforeEach, expect, it } from 'vitest';
import { awaitInstances } from '../../../../functions/features/instances/await-instances.ts';
import { waitingSeatKey } from '../../../../functions/platform/store/keys.ts';
import { FLEET, launchOf, NOON, OneFleet } from '../one-fleet/one-fleet.ts';

const ref = { fleetId: FLEET, index: 0 };
const SEATS = 2;
let fleet: OneFleet;

beforeEach(async () => {
  fleet = await OneFleet.open();
});
afterEach(() => fleet.end());

const wait = (waitSeconds: number, seats = SEATS) =>
  fleet.run(fleet.worker, () => awaitInstances(fleet.store, [ref], { seats, waitSeconds }));
const occupy = (number: number, untilMs: number) =>
  fleet.put('fleets', { ...waitingSeatKey(number), untilMs });

it('a request for an instance that runs already does not wait', async () => {
  await fleet.handle(launchOf(0));
  fleet.nowMs += 15_000;
  await fleet.poll();
  const beganMs = fleet.nowMs;
  expect(await wait(25)).toBe(25);
  expect(fleet.nowMs).toBe(beganMs);
});

it('a request waits until a poll has recorded that the instance runs', async () => {
  await fleet.handle(launchOf(0));
  const record = await fleet.claimed();
  const runsAtMs = fleet.nowMs + 7_000;
  await Promise.all([
    wait(25),
    fleet.run(fleet.makeWorker(), async () => {
      await fleet.store.clock.sleep(7_000);
      fleet.putRecord({ ...record, status: 'Running' });
    }),
  ]);
  expect(fleet.nowMs).toBeGreaterThanOrEqual(runsAtMs);
  expect(fleet.nowMs).toBeLessThan(runsAtMs + 2_500);
});

it('a request ends its wait when the instance fails', async () => {
  await fleet.handle(launchOf(0));
  fleet.putRecord({ ...(await fleet.claimed()), status: 'Failed' });
  await wait(25);
  expect(fleet.nowMs).toBe(NOON);
});

it('a request waits for the asked time, and never longer than 25 seconds', async () => {
  expect(await wait(4)).toBe(4);
  expect(fleet.nowMs).toBe(NOON + 4_000);
  expect(await wait(60)).toBe(25);
  expect(fleet.nowMs).toBe(NOON + 29_000);
});

it('a request does not wait while other requests have all seats', async () => {
  for (let seat = 0; seat < SEATS; seat += 1) occupy(seat, fleet.nowMs + 10_000);
  expect(await wait(25)).toBeUndefined();
  expect(await wait(25, 0)).toBeUndefined();
  expect(fleet.nowMs).toBe(NOON);
});

it('a request takes the seat of a request that died', async () => {
  for (let seat = 0; seat < SEATS; seat += 1) occupy(seat, fleet.nowMs - 1);
  expect(await wait(3)).toBe(3);
});

it('a request gives its seat back, so that more requests than seats can wait in turn', async () => {
  for (let turn = 0; turn <= SEATS; turn += 1) expect(await wait(2, 1)).toBe(2);
});

it('a request for several instances waits until each of them runs or has failed', async () => {
  const refs = [ref, { fleetId: FLEET, index: 1 }];
  await fleet.handle(launchOf(0));
  fleet.putRecord({ ...(await fleet.claimed()), status: 'Running' });
  expect(
    await fleet.run(fleet.worker, () => awaitInstances(fleet.store, refs, { seats: SEATS, waitSeconds: 3 })),
  ).toBe(3);
  expect(fleet.nowMs).toBe(NOON + 3_000);
});
