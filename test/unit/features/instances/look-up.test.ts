import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { lookUp } from '../../../../functions/features/instances/look-up.ts';
import { readConnection } from '../../../../functions/platform/store/connections.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { ACK, requeueAfter } from '../../../../functions/platform/worker/context.ts';
import { idOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

const HOUR_MS = 3_600_000;

let fleet: OneFleet;
let unknown: InstanceItem;
beforeEach(async () => {
  fleet = await OneFleet.open();
  fleet.cloud.reply = (call) => {
    if (call.startsWith('create')) throw new DriverError('OutcomeUnknown', 'no answer');
  };
  await fleet.handle(launchOf(0));
  unknown = await fleet.claimed();
  fleet.nowMs += 6_000;
  fleet.history.length = 0;
});
afterEach(() => fleet.end());

const look = async (record = unknown) =>
  await fleet.run(fleet.worker, () => lookUp(fleet.worker.context, record));
/** Removes the machine, as if the create call had made none. */
const forget = () => fleet.cloud.made.splice(0);
const refuse = (code: ConstructorParameters<typeof DriverError>[0], retryAfterMs?: number) => {
  fleet.cloud.meet = () => {
    throw new DriverError(code, 'not now', retryAfterMs === undefined ? {} : { retryAfterMs });
  };
};

describe('lookUp', () => {
  it('a look-up binds the machine of the call to its record', async () => {
    expect(await look()).toEqual({ proven: false, result: ACK });
    expect(await fleet.record()).toMatchObject({
      launchState: 'accepted',
      backendId: 'm1',
      status: 'Creating',
    });
    expect(await fleet.holders()).toEqual([0]);
  });

  it('a look-up that finds a running machine writes Running, then answers the waiting step, then gives the slot back', async () => {
    fleet.nowMs += 60_000;
    await look();
    expect(fleet.history.slice(1, 4)).toEqual([
      'record 0 Running accepted',
      'task await Settled',
      'slot 0 returned',
    ]);
  });

  it('a look-up that finds no machine proves that the call made no machine', async () => {
    forget();
    expect(await look()).toEqual({ proven: true, record: unknown });
    expect(await fleet.record()).toEqual(unknown);
  });

  it('a machine with the call’s launch token that was made a day before the call is a copy, and a look-up ignores this machine', async () => {
    const [machine] = fleet.cloud.made;
    if (machine) machine.createdAtMs -= 24 * HOUR_MS;
    expect(await look()).toEqual({ proven: true, record: unknown });
  });

  it('if the cloud does not show the machine’s creation time, a look-up decides nothing until the deadline', async () => {
    const [machine] = fleet.cloud.made;
    if (machine) Object.assign(machine, { createdAtMs: undefined, stuckAt: 'Running' });
    expect(await look()).toEqual({ proven: false, result: requeueAfter(5_000) });
    fleet.nowMs = unknown.deadlineAtMs;
    expect(await look()).toEqual({ proven: false, result: ACK });
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', closeAs: 'Failed' });
  });

  it.each([
    ['Unavailable', 2_000],
    ['NoPermit', 1_000],
  ] as const)(
    'a look-up that fails with %s is repeated, and does not change the record',
    async (code, waitMs) => {
      refuse(code);
      expect(await look()).toEqual({ proven: false, result: requeueAfter(waitMs) });
      expect(await fleet.record()).toEqual(unknown);
    },
  );

  it('a look-up whose credential is refused marks the connection as Failed, and is repeated', async () => {
    refuse('Unauthorized');
    expect(await look()).toEqual({ proven: false, result: requeueAfter(2_000) });
    expect(await fleet.record()).toEqual(unknown);
    expect(await readConnection(fleet.store, 'default', 'cloud')).toMatchObject({ status: 'Failed' });
  });

  it('if the credential of a look-up is still refused at the time limit, the instance becomes Terminating and not Failed, because a machine may exist', async () => {
    refuse('Unauthorized');
    fleet.nowMs = unknown.deadlineAtMs;
    expect(await look()).toEqual({ proven: false, result: ACK });
    expect(await fleet.record()).toMatchObject({
      status: 'Terminating',
      closeAs: 'Failed',
      failure: { code: 'Unauthorized' },
    });
    expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
    expect(await fleet.holders()).toEqual([0]);
  });

  it('an instance past its time limit becomes Failed if the look-up proves that no machine exists', async () => {
    forget();
    fleet.nowMs = unknown.deadlineAtMs;
    expect(await look()).toEqual({ proven: false, result: ACK });
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: { code: 'Timeout' } });
    expect(await fleet.holders()).toEqual([]);
  });

  it('an attempt fails if its call got three equal answers, the first a minute ago, and the look-up finds no machine', async () => {
    forget();
    const answered = { words: 'computer says no', times: 3, firstAtMs: fleet.nowMs - 60_000 };
    await updateInstance(fleet.store, unknown, { unknownAnswer: answered });
    expect(await look(await fleet.claimed())).toEqual({ proven: false, result: ACK });
    expect(await fleet.record()).toMatchObject({
      status: 'Failed',
      failure: { code: 'CloudFailed', message: 'computer says no' },
    });
    expect(await fleet.counts()).toEqual({ Failed: 1 });
    expect(fleet.history).not.toContain(`create ${idOf(0)}.1`);
  });

  it('a look-up writes nothing if the record changed after the caller’s read', async () => {
    refuse('Unauthorized');
    fleet.nowMs = unknown.deadlineAtMs;
    await updateInstance(fleet.store, unknown, { claimUntilMs: 1 });
    expect(await look()).toEqual({ proven: false, result: requeueAfter(1_000) });
    expect(await fleet.record()).toMatchObject({ status: 'Creating', claimUntilMs: 1 });
  });
});
