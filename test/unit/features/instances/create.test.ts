import { afterEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { createInstances } from '../../../../functions/features/instances/create.ts';
import { launchInstances } from '../../../../functions/features/instances/launch-instances.ts';
import { readSiteState } from '../../../../functions/platform/governor/hold-location.ts';
import { readConnection } from '../../../../functions/platform/store/connections.ts';
import { updateConnection } from '../../../../functions/platform/store/update-connection.ts';
import { ACK, requeueAfter } from '../../../../functions/platform/worker/context.ts';
import { CLOUD, EAST, idOf, launchOf, OneFleet, type OneFleetOptions, WEST } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
afterEach(() => fleet.end());

async function open(options: OneFleetOptions = {}): Promise<void> {
  fleet = await OneFleet.open(options);
}
const launchAll = async (count: number) => {
  const launches = Array.from({ length: count }, (_, index) => ({ message: launchOf(index) }));
  return await fleet.run(fleet.worker, () => launchInstances(fleet.worker.context, EAST, launches));
};
const refuseCreates = (code: ConstructorParameters<typeof DriverError>[0]) => {
  fleet.cloud.meet = (call) => {
    if (call.startsWith('create')) throw new DriverError(code, 'no');
  };
};
const connection = async () => await readConnection(fleet.store, 'default', 'cloud');

describe('createInstances', () => {
  it('createInstances calls neither a table nor the cloud if it gets no record', async () => {
    await open();
    const permitted = { wanted: new Map(), calls: new Map(), decidedAtMs: 0, isBlocked: false };
    expect(await createInstances(fleet.worker.context, EAST, [], permitted)).toEqual(new Map());
    expect(fleet.worker.steps).toBe(0);
  });

  it('if the answer to a create call shows a running machine, the task is completed and the slot given back', async () => {
    await open();
    fleet.cloud.bootMs = 0;
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(fleet.history.slice(-3)).toEqual([
      'record 0 Running accepted',
      'task await Settled',
      'slot 0 returned',
    ]);
  });

  it('an instance is launched at another location if the first location has no capacity', async () => {
    await open({ locations: ['east', 'west'] });
    refuseCreates('InsufficientCapacity');
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(fleet.sent('launch')).toEqual([launchOf(0, WEST)]);
    expect(Object.keys((await readSiteState(fleet.store, EAST))?.scarce ?? {})).toHaveLength(1);
    expect(fleet.outcomes.size).toBe(0);
  });

  it('concurrent create calls that all fail with Unavailable count as one refusal by the site', async () => {
    await open({ size: 3 });
    refuseCreates('Unavailable');
    expect(await launchAll(3)).toEqual([requeueAfter(2_000), requeueAfter(2_000), requeueAfter(2_000)]);
    expect((await readSiteState(fleet.store, EAST))?.outage?.failures).toBe(1);
  });

  it('a refused create call does not count against a site that accepts a concurrent create call', async () => {
    await open({ size: 2 });
    fleet.cloud.meet = (call) => {
      if (call === `create ${idOf(0)}.1`) throw new DriverError('Unavailable', 'no');
    };
    await launchAll(2);
    expect((await readSiteState(fleet.store, EAST))?.outage).toBeUndefined();
  });

  it('an accepted create call resets the count of refusals by the site', async () => {
    await open({ size: 2 });
    refuseCreates('Unavailable');
    await fleet.handle(launchOf(0));
    fleet.cloud.meet = () => {};
    fleet.nowMs += 10_000;
    await fleet.handle(launchOf(1));
    expect((await readSiteState(fleet.store, EAST))?.outage).toBeUndefined();
  });

  it('a refused credential marks the connection as Failed, and the launch waits for the connection', async () => {
    await open();
    refuseCreates('Unauthorized');
    expect(await fleet.handle(launchOf(0))).toEqual(requeueAfter(1_000));
    expect(await connection()).toMatchObject({ status: 'Failed', failure: { code: 'Unauthorized' } });
    expect(await fleet.record()).toMatchObject({ status: 'Creating', launchState: 'refused' });
    expect(fleet.outcomes.size).toBe(0);
  });

  it('if the refused credential has been replaced by a new one, the call is repeated and the connection stays Ready', async () => {
    await open();
    await fleet.opened();
    await updateConnection(fleet.store, CLOUD, { credentialVersion: 2 });
    refuseCreates('Unauthorized');
    expect(await fleet.handle(launchOf(0))).toEqual(requeueAfter(1_000));
    expect(await connection()).toMatchObject({ status: 'Ready' });
    expect(await fleet.record()).toMatchObject({ status: 'Creating', launchState: 'refused' });
    fleet.cloud.meet = () => {};
    expect(await fleet.handle(launchOf(0))).toEqual(ACK);
    expect(await fleet.record()).toMatchObject({ launchState: 'accepted' });
  });

  it('a machine whose record was closed during the create call is removed immediately', async () => {
    await open();
    const worker = fleet.makeWorker({
      at: /^answer to create/,
      does: async () =>
        fleet.putRecord({ ...(await fleet.claimed()), status: 'Terminated', claimUntilMs: 1 }),
    });
    expect(await fleet.handle(launchOf(0), worker)).toEqual(ACK);
    expect(fleet.history).toContain('terminate m1');
    expect(await fleet.record()).toMatchObject({ status: 'Terminated' });
  });

  it('a machine is bound to its record even if a launch of a later round takes the attempt into that round during the create call', async () => {
    await open();
    const worker = fleet.makeWorker({
      at: /^answer to create/,
      does: async () => fleet.putRecord({ ...(await fleet.claimed()), round: 2 }),
    });
    await fleet.handle(launchOf(0), worker);
    expect(await fleet.record()).toMatchObject({ backendId: 'm1', round: 2 });
    expect(fleet.cloud.standing).toHaveLength(1);
  });
});
