import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { failInstances, freeSlotsOf } from '../../../../functions/features/instances/outcomes.ts';
import { readHolders } from '../../../../functions/platform/governor/hold-location.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { ACK, type WorkerContext } from '../../../../functions/platform/worker/context.ts';
import {
  AWAIT,
  awaitOf,
  EAST,
  idOf,
  launchOf,
  OneFleet,
  type OneFleetOptions,
} from '../one-fleet/one-fleet.ts';

const REFUSED = { code: 'InvalidRequest', message: 'no such image' };

let fleet: OneFleet;
let context: WorkerContext;
async function open(options: OneFleetOptions = {}): Promise<void> {
  fleet?.end();
  fleet = await OneFleet.open(options);
  ({ context } = fleet.worker);
  await fleet.handle(launchOf(0));
  fleet.history.length = 0;
}
beforeEach(() => open());
afterEach(() => fleet.end());

describe('freeSlotsOf', () => {
  it('freeSlotsOf does nothing for an instance that has no outcome yet', async () => {
    await freeSlotsOf(context, [await fleet.claimed()]);
    expect(fleet.history).toEqual([]);
  });

  it('an instance that never ran keeps its slot while its machine is removed', async () => {
    const record = { ...(await fleet.claimed()), status: 'Terminating' as const };
    await freeSlotsOf(context, [{ ...record, closeAs: 'Failed' }]);
    expect(fleet.history).toEqual([]);
    await freeSlotsOf(context, [{ ...record, runningAt: new Date(0).toISOString() }]);
    expect(fleet.history).toContain('slot 0 returned');
  });

  it('freeSlotsOf gives a slot back only if the slot is held under the permit that the caller names', async () => {
    const running = { ...(await fleet.claimed()), status: 'Running' as const };
    const [startMs = 0] = Object.values(await readHolders(fleet.store, EAST));
    await freeSlotsOf(context, [running], { held: { [idOf(0)]: startMs - 1 } });
    await freeSlotsOf(context, [running], { held: {} });
    expect(await fleet.holders()).toEqual([0]);
    await freeSlotsOf(context, [running], { held: { [idOf(0)]: startMs } });
    expect(await fleet.holders()).toEqual([]);
  });
});

describe('failInstances', () => {
  it('failInstances writes the record, then answers the waiting step, then gives the slot back', async () => {
    await failInstances(context, [{ record: await fleet.claimed(), failure: REFUSED }]);
    expect(fleet.history).toEqual(['record 0 Failed accepted', 'task await Settled', 'slot 0 returned']);
    expect(await fleet.record()).toMatchObject({ status: 'Failed', failure: REFUSED, claimUntilMs: 0 });
    expect(await fleet.counts()).toEqual({ Failed: 1 });
  });

  it('failInstances does nothing if the record changed after the caller’s read', async () => {
    const record = await fleet.claimed();
    await updateInstance(fleet.store, record, { launchState: 'unknown' });
    fleet.history.length = 0;
    await failInstances(context, [{ record, failure: REFUSED }]);
    expect(fleet.history).toEqual([]);
    expect(await fleet.record()).toMatchObject({ status: 'Creating' });
  });

  it('if a worker died after it wrote Failed, the next call of failInstances gives the slot back, and the next check answers the waiting step', async () => {
    const record = await fleet.claimed();
    const dying = fleet.makeWorker({ at: /^table .*GetCommand.*PLACEMENT/, does: 'die' });
    await fleet.run(dying, () => failInstances(dying.context, [{ record, failure: REFUSED }]));
    expect(fleet.history).toEqual(['record 0 Failed accepted']);
    await failInstances(context, [{ record, failure: REFUSED }]);
    expect(fleet.history.slice(1)).toEqual(['slot 0 returned']);
    expect(await fleet.counts()).toEqual({ Failed: 1 });
    expect(fleet.outcomes.size).toBe(0);
    expect(await fleet.handle(awaitOf())).toEqual(ACK);
    expect([...fleet.outcomes]).toEqual([[AWAIT, 'Settled']]);
  });

  it('a failure that decides the fleet’s verdict pauses launching at all placements', async () => {
    await open({ size: 2, locations: ['east', 'west'], failurePolicy: 'rollback' });
    await failInstances(context, [{ record: await fleet.claimed(), failure: REFUSED }]);
    expect((await fleet.placement('east')).launching).toBe('paused');
    expect((await fleet.placement('west')).launching).toBe('paused');
  });

  it('a failure does not pause launching while the fleet’s verdict can still change', async () => {
    await open({ size: 2, failurePolicy: 'continue' });
    await failInstances(context, [{ record: await fleet.claimed(), failure: REFUSED }]);
    expect((await fleet.placement()).launching).toBe('on');
  });

  it('failInstances moves an instance that may move to another location', async () => {
    await open({ locations: ['east', 'west'] });
    const failure = { code: 'InsufficientCapacity', message: 'none left' };
    await failInstances(context, [{ record: await fleet.claimed(), failure }]);
    expect(fleet.outcomes.size).toBe(0);
    expect(await fleet.record()).toMatchObject({ status: 'Planned', location: 'west' });
  });
});
