import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimInstances, newRecord } from '../../../../functions/features/instances/claim.ts';
import { moveInstance } from '../../../../functions/platform/store/move.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { claimMsOf, type WorkerContext } from '../../../../functions/platform/worker/context.ts';
import { FLEET, idOf, launchOf, NOON, OneFleet, WEST } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
let context: WorkerContext;
beforeEach(async () => {
  fleet = await OneFleet.open({ size: 3, locations: ['east'] });
  ({ context } = fleet.worker);
});
afterEach(() => fleet.end());

const first = (index: number) => ({ message: launchOf(index), again: false });
const wonOf = ({ won }: Awaited<ReturnType<typeof claimInstances>>) => won.map(({ index }) => index);

describe('claimInstances', () => {
  it('claimInstances writes the records and counters of all given attempts in one transaction', async () => {
    await context.layout(FLEET);
    const before = fleet.worker.steps;
    expect(wonOf(await claimInstances(context, [0, 1, 2].map(first)))).toEqual([0, 1, 2]);
    expect(fleet.worker.steps - before).toBe(1);
    expect(await fleet.counts()).toEqual({ Creating: 3 });
  });

  it('claimInstances keeps a claim that another worker wrote first, and writes the other claims', async () => {
    await claimInstances(fleet.makeWorker().context, [first(1)]);
    const theirs = await fleet.record(1);
    fleet.nowMs += 1_000;
    expect(await claimInstances(context, [0, 1, 2].map(first))).toMatchObject({ stopped: [] });
    expect(await fleet.record(1)).toEqual(theirs);
    expect(await fleet.counts()).toEqual({ Creating: 3 });
  });

  it('if two workers claim the next attempt of one instance, only one claim is written', async () => {
    await claimInstances(context, [first(0)]);
    const record = await fleet.claimed();
    const attempt = { ...first(0), record };
    const both = await Promise.all([
      claimInstances(context, [attempt]),
      claimInstances(fleet.makeWorker().context, [attempt]),
    ]);
    expect(both.flatMap(wonOf)).toEqual([0]);
    expect(await fleet.record()).toMatchObject({ attempt: 2, launchToken: `${idOf(0)}.2` });
  });

  it('claimInstances does not replace a record that another worker changed after the caller’s read', async () => {
    await claimInstances(context, [first(0)]);
    const record = await fleet.claimed();
    await updateInstance(fleet.store, record, { launchState: 'accepted', backendId: 'm1' });
    expect(await claimInstances(context, [{ ...first(0), record }])).toEqual({ won: [], stopped: [] });
    expect(await fleet.record()).toMatchObject({ attempt: 1, backendId: 'm1' });
  });

  it.each(['paused', 'ended'] as const)('a claim is not written while launching is %s', async (how) => {
    await fleet.stopLaunching(how);
    const attempts = [first(0), first(1)];
    expect(await claimInstances(context, attempts)).toEqual({ won: [], stopped: attempts });
    expect(await fleet.record()).toBeUndefined();
  });

  it('a claim of an earlier round is not written if launching is on for a later round only', async () => {
    await fleet.stopLaunching('paused');
    await fleet.startRound(2);
    expect(await claimInstances(context, [first(0)])).toMatchObject({ won: [], stopped: [first(0)] });
    const second = { message: launchOf(0, { round: 2 }), again: false };
    expect(wonOf(await claimInstances(context, [second]))).toEqual([0]);
  });

  it('a claim stores the idempotency key of the next create call in the record', async () => {
    const { won } = await claimInstances(context, [first(0)], new Map([[idOf(0), 'key-1']]));
    expect(won[0]?.idempotencyKeys).toEqual(['key-1']);
    expect(await fleet.record()).toMatchObject({ idempotencyKeys: ['key-1'] });
  });

  it('claimInstances refuses a position that the fleet does not have', async () => {
    await expect(claimInstances(context, [first(3)])).rejects.toThrow(RangeError);
  });
});

describe('newRecord', () => {
  it('the claim of a new record is valid for longer than its worker’s time limit', async () => {
    const { claimUntilMs } = await newRecord(context, first(0));
    expect(claimUntilMs).toBe(NOON + claimMsOf(context));
    expect(claimMsOf(context)).toBe(context.timeLimitMs + 10_000);
  });

  it('a new record has the message id in `claimedBy` only at the message’s first delivery', async () => {
    const claimedBy = async (receives: number) =>
      (await newRecord(context, { ...first(0), delivery: { messageId: 'm', receives } })).claimedBy;
    expect(await claimedBy(1)).toBe('m');
    expect(await claimedBy(2)).toBe('');
  });

  it('after a move, the next attempt in that round keeps the deadline and the tried locations', async () => {
    fleet.end();
    fleet = await OneFleet.open({ locations: ['east', 'west'] });
    ({ context } = fleet.worker);
    await claimInstances(context, [first(0)]);
    const atEast = await fleet.claimed();
    await moveInstance(fleet.store, atEast, 'west', []);
    fleet.nowMs += 60_000;
    const record = await fleet.claimed();
    const next = await newRecord(context, { message: launchOf(0, WEST), record, again: false });
    expect(next).toMatchObject({
      location: 'west',
      attempt: 2,
      tried: ['east'],
      deadlineAtMs: atEast.deadlineAtMs,
      launchedAt: atEast.launchedAt,
    });
  });

  it('each round sets a new deadline, and starts without tried locations', async () => {
    await claimInstances(context, [first(0)]);
    const claimed = await fleet.claimed();
    fleet.nowMs += 60_000;
    for (const status of ['Failed', 'Planned'] as const) {
      const record = { ...claimed, status, tried: ['west'] };
      const next = await newRecord(context, { message: launchOf(0, { round: 2 }), record, again: false });
      expect(next).toMatchObject({ attempt: 2, round: 2, tried: [] });
      expect(next.deadlineAtMs).toBe(claimed.deadlineAtMs + 60_000);
      expect(next.earlierAttempts).toMatchObject([{ launchToken: `${idOf(0)}.1`, location: 'east' }]);
    }
  });

  it('the first attempt after a fence (a write that makes earlier claims fail) sets a new deadline', async () => {
    await claimInstances(context, [first(0)]);
    const claimed = await fleet.claimed();
    const fenced = { ...claimed, status: 'Planned' as const, attempt: 0 };
    fleet.nowMs += 60_000;
    const next = await newRecord(context, { ...first(0), record: fenced });
    expect(next.deadlineAtMs).toBe(claimed.deadlineAtMs + 60_000);
  });
});
