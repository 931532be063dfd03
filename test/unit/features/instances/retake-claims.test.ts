import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { retakeClaims } from '../../../../functions/features/instances/retake-claims.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { claimMsOf } from '../../../../functions/platform/worker/context.ts';
import { idOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

const NO_KEYS = new Map<string, string>();
const message = launchOf(0);

let fleet: OneFleet;
let refused: InstanceItem;
beforeEach(async () => {
  fleet = await OneFleet.open();
  fleet.cloud.meet = (call) => {
    if (call.startsWith('create')) throw new DriverError('Throttled', 'slow down');
  };
  await fleet.handle(launchOf(0));
  refused = await fleet.claimed();
  fleet.nowMs += 60_000;
});
afterEach(() => fleet.end());

describe('retakeClaims', () => {
  it('a message that repeats a refused attempt renews the claim and keeps the launch token', async () => {
    const { context } = fleet.worker;
    const { won } = await retakeClaims(context, [{ message, again: true, record: refused }], NO_KEYS);
    expect(won).toEqual([await fleet.record()]);
    expect(won[0]).toMatchObject({
      launchToken: refused.launchToken,
      attempt: 1,
      launchState: 'claimed',
      claimUntilMs: fleet.nowMs + claimMsOf(context),
    });
  });

  it('if two workers take over one claim together, only one worker succeeds', async () => {
    const attempts = [{ message, again: true, record: refused }];
    const both = await Promise.all(
      [fleet.worker, fleet.makeWorker()].map(({ context }) => retakeClaims(context, attempts, NO_KEYS)),
    );
    expect(both.flatMap(({ won }) => won)).toHaveLength(1);
    expect(both.flatMap(({ stopped }) => stopped)).toEqual([]);
  });

  it('a claim is not taken over if the record changed after the caller’s read', async () => {
    await updateInstance(fleet.store, refused, { launchState: 'accepted', backendId: 'm1' });
    const { context } = fleet.worker;
    const taken = await retakeClaims(context, [{ message, again: true, record: refused }], NO_KEYS);
    expect(taken).toEqual({ won: [], stopped: [] });
    expect(await fleet.record()).toMatchObject({ launchState: 'accepted', backendId: 'm1' });
  });

  it.each(['paused', 'ended'] as const)('a claim is not taken over while launching is %s', async (how) => {
    await fleet.stopLaunching(how);
    const attempt = { message, again: true, record: refused };
    const { context } = fleet.worker;
    expect(await retakeClaims(context, [attempt], NO_KEYS)).toEqual({ won: [], stopped: [attempt] });
    expect(await fleet.record()).toEqual(refused);
  });

  it('retakeClaims adds the idempotency key of the next call to the keys of the earlier calls', async () => {
    await updateInstance(fleet.store, refused, { idempotencyKeys: ['key-1'] });
    const record = await fleet.claimed();
    const keys = new Map([[idOf(0), 'key-2']]);
    await retakeClaims(fleet.worker.context, [{ message, again: true, record }], keys);
    expect(await fleet.record()).toMatchObject({ idempotencyKeys: ['key-1', 'key-2'] });
  });
});
