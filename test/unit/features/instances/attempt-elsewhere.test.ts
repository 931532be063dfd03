import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import {
  attemptElsewhere,
  hasElsewhere,
  untriedLocations,
} from '../../../../functions/features/instances/attempt-elsewhere.ts';
import { blockPlacement } from '../../../../functions/platform/store/placements.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import type { WorkerContext } from '../../../../functions/platform/worker/context.ts';
import { FLEET, idOf, launchOf, OneFleet, WEST } from '../one-fleet/one-fleet.ts';

const SCARCE = { code: 'InsufficientCapacity', message: 'no m6i.large left' };

let fleet: OneFleet;
let context: WorkerContext;
beforeEach(async () => {
  fleet = await OneFleet.open({ locations: ['east', 'west'] });
  ({ context } = fleet.worker);
  await fleet.handle(launchOf(0));
  fleet.history.length = 0;
});
afterEach(() => fleet.end());

describe('attemptElsewhere', () => {
  it('a move writes the new location, sends the launch message to this location, and then gives the slot back', async () => {
    expect(await attemptElsewhere(context, await fleet.claimed(), SCARCE)).toBeUndefined();
    expect(fleet.history).toEqual(['record 0 Planned refused', 'send launch 0', 'slot 0 returned']);
    expect(fleet.sent('launch')).toEqual([launchOf(0, WEST)]);
    expect(await fleet.record()).toMatchObject({ location: 'west', tried: ['east'], attempt: 1 });
  });

  it('a move subtracts the instance from the counters of the old placement, and adds it to those of the new placement', async () => {
    await attemptElsewhere(context, await fleet.claimed(), SCARCE);
    expect(await fleet.counts('east')).toEqual({});
    expect(await fleet.counts('west')).toEqual({ Planned: 1 });
    expect((await fleet.placement('east')).requested).toBe(0);
    expect((await fleet.placement('west')).requested).toBe(1);
  });

  it('a move adds the ended attempt to `earlierAttempts` of the record, and clears `backendId`', async () => {
    const { launchToken } = await fleet.claimed();
    await attemptElsewhere(context, await fleet.claimed(), SCARCE);
    expect((await fleet.claimed()).earlierAttempts).toMatchObject([{ launchToken, location: 'east' }]);
    expect((await fleet.claimed()).backendId).toBeUndefined();
  });

  it.each(['InvalidRequest', 'Unauthorized', 'Throttled', 'Timeout'])(
    'an instance that failed with %s does not move to another location',
    async (code) => {
      const record = await fleet.claimed();
      expect(await attemptElsewhere(context, record, { code, message: '' })).toBeDefined();
      expect(await fleet.record()).toEqual(record);
    },
  );

  it('an instance whose machine exceeded a quota tries again here, and elsewhere after the third such machine', async () => {
    const failure = { code: 'QuotaExceeded', message: 'no cores' };
    const beyond = { exceededQuota: { of: 'vcpus' } } as const;
    for (const quotaTries of [1, 2]) {
      await updateInstance(fleet.store, await fleet.claimed(), beyond);
      const record = await fleet.claimed();
      expect(await hasElsewhere(context, { ...record, tried: ['west'] }, failure)).toBe(true);
      expect(await attemptElsewhere(context, record, failure)).toBeUndefined();
      const again = await fleet.claimed();
      expect(again).toMatchObject({ location: 'east', status: 'Planned', quotaTries, tried: [] });
      expect(again.exceededQuota).toBeUndefined();
    }
    await updateInstance(fleet.store, await fleet.claimed(), beyond);
    expect(await attemptElsewhere(context, await fleet.claimed(), failure)).toBeUndefined();
    expect(await fleet.record()).toMatchObject({ location: 'west' });
    expect((await fleet.claimed()).quotaTries).toBeUndefined();
  });

  it('an instance whose create call a quota refused does not try again here', async () => {
    const failure = { code: 'QuotaExceeded', message: 'no cores' };
    expect(await attemptElsewhere(context, await fleet.claimed(), failure)).toBeUndefined();
    expect(await fleet.record()).toMatchObject({ location: 'west' });
  });

  it('an instance does not move after its time limit', async () => {
    const record = await fleet.claimed();
    fleet.nowMs = record.deadlineAtMs;
    expect(await attemptElsewhere(context, record, SCARCE)).toBeDefined();
  });

  it.each(['paused', 'ended'] as const)(
    'an instance does not move to a location where launching is %s',
    async (how) => {
      await fleet.stopLaunching(how, 'west');
      expect(await attemptElsewhere(context, await fleet.claimed(), SCARCE)).toBeDefined();
      expect(await fleet.record()).toMatchObject({ location: 'east', status: 'Creating' });
      expect(await fleet.counts('west')).toEqual({});
    },
  );

  it('an instance does not move to a location whose network resources could not be made', async () => {
    await blockPlacement(fleet.store, { fleetId: FLEET, ...WEST }, { code: 'QuotaExceeded', message: '' });
    expect(await attemptElsewhere(context, await fleet.claimed(), SCARCE)).toBeDefined();
  });

  it('a worker does not move an instance if the record changed after the worker’s read', async () => {
    const record = await fleet.claimed();
    await updateInstance(fleet.store, record, { claimUntilMs: 1 });
    expect(await attemptElsewhere(context, record, SCARCE)).toBeUndefined();
    expect(fleet.history).toEqual([]);
    expect(await fleet.record()).toMatchObject({ location: 'east', claimUntilMs: 1 });
  });

  it('an instance does not return to a location at which its launch has failed', async () => {
    await attemptElsewhere(context, await fleet.claimed(), SCARCE);
    await fleet.handle(launchOf(0, WEST));
    expect(await hasElsewhere(context, await fleet.claimed(), SCARCE)).toBe(false);
    expect(await attemptElsewhere(context, await fleet.claimed(), SCARCE)).toBeDefined();
    expect(fleet.cloud.made.map(({ launchToken }) => launchToken)).toEqual([`${idOf(0)}.1`, `${idOf(0)}.2`]);
  });

  it('if the worker dies at any step of a move, the instance gets one machine, and all slots are given back', async () => {
    for (let at = 1; at <= 22; at += 1) {
      fleet.end();
      fleet = await OneFleet.open({ locations: ['east', 'west'] });
      fleet.cloud.bootMs = 500;
      fleet.cloud.meet = (call) => {
        if (call === `create ${idOf(0)}.1`) throw new DriverError('InsufficientCapacity', 'none left');
      };
      fleet.send(launchOf(0), 0);
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      const heldAt = async (location: string) => (await fleet.holders(location)).length;
      await fleet.until(
        async () => fleet.outcomes.size > 0 && (await heldAt('east')) + (await heldAt('west')) === 0,
      );
      expect([...fleet.outcomes]).toEqual([['await', 'Settled']]);
      expect(fleet.cloud.made.map(({ location }) => location)).toEqual(['west']);
      expect(await fleet.counts('east')).toEqual({});
      expect(await fleet.counts('west')).toEqual({ Running: 1 });
    }
  });
});

describe('a launch that leaves a location without a call', () => {
  let isScarce: boolean;
  const blockWest = () =>
    blockPlacement(fleet.store, { fleetId: FLEET, ...WEST }, { code: 'QuotaExceeded', message: '' });
  const creates = () => fleet.history.filter((one) => one.startsWith('create'));

  beforeEach(async () => {
    fleet.end();
    fleet = await OneFleet.open({ size: 4, locations: ['east', 'west'] });
    isScarce = true;
    fleet.cloud.meet = (call) => {
      if (isScarce && call.startsWith('create')) throw new DriverError('InsufficientCapacity', 'none left');
    };
  });

  /** Makes the governor remember that the cloud has no capacity. Position 0 fails, as no location takes it. The positions 0 and 1 are in the east. */
  async function refuseFirst(): Promise<void> {
    await fleet.handle(launchOf(0));
    expect(await fleet.record(0)).toMatchObject({ status: 'Failed' });
    fleet.history.length = 0;
  }

  it.each([
    ['launching is paused', () => fleet.stopLaunching('paused', 'west')],
    ['launching has ended', () => fleet.stopLaunching('ended', 'west')],
    ['no network resources could be made', blockWest],
  ])('asks the cloud if no other location takes the instance, because %s there', async (_why, close) => {
    await close();
    await refuseFirst();
    await fleet.handle(launchOf(1));
    expect(creates()).toEqual([]);
    expect(await fleet.record(1)).toMatchObject({ status: 'Planned', location: 'east', tried: ['west'] });
    isScarce = false;
    await fleet.until(async () => (await fleet.record(1))?.status === 'Running');
    expect(creates()).toHaveLength(1);
  });

  it('fails with the cloud’s words if the cloud refuses that call, too', async () => {
    await blockWest();
    await refuseFirst();
    fleet.send(launchOf(1), 0);
    await fleet.until(async () => (await fleet.record(1))?.status === 'Failed');
    expect(creates()).toHaveLength(1);
    expect(await fleet.record(1)).toMatchObject({ failure: { message: 'none left' } });
    expect(await fleet.holders()).toEqual([]);
  });

  it('is cancelled, and has not failed, if launching stops at all locations before it has left', async () => {
    await blockWest();
    await refuseFirst();
    const slow = fleet.makeWorker({
      at: /TransactWrite.*west/,
      does: () => fleet.stopLaunching('paused'),
    });
    expect(await fleet.handle(launchOf(1), slow)).toEqual({ done: true });
    expect(await fleet.record(1)).toMatchObject({ status: 'Planned', location: 'east' });
    expect((await fleet.claimed(1)).failure).toBeUndefined();
    expect(await fleet.counts()).toEqual({ Failed: 1, Planned: 1 });
    expect(fleet.sent('launch')).toEqual([]);
    expect(await fleet.holders()).toEqual([]);
  });

  it('waits for the quota of network resources if launching stops at the other location before it has left', async () => {
    fleet.removeNetworks('east');
    let isShort = true;
    fleet.cloud.meet = (call) => {
      if (isShort && call.startsWith('ensure network'))
        throw new DriverError('QuotaExceeded', 'no VPC left', { quota: { of: 'networks' } });
    };
    const slow = fleet.makeWorker({
      at: /TransactWrite.*west/,
      does: () => fleet.stopLaunching('paused', 'west'),
    });
    await fleet.handle(launchOf(0), slow);
    expect(await fleet.record()).toMatchObject({ status: 'Planned', location: 'east', tried: ['west'] });
    await fleet.deliverNext();
    expect(await fleet.record()).toMatchObject({ status: 'Planned', location: 'east' });
    isShort = false;
    await fleet.until(async () => (await fleet.record())?.status === 'Running');
  });

  it('if the worker dies at any step, the instance gets one machine, and all slots are given back', async () => {
    for (let at = 1; at <= 40; at += 1) {
      fleet.end();
      fleet = await OneFleet.open({ size: 4, locations: ['east', 'west'] });
      isScarce = true;
      fleet.cloud.meet = (call) => {
        if (isScarce && call.startsWith('create')) throw new DriverError('InsufficientCapacity', 'none left');
      };
      await blockWest();
      await refuseFirst();
      fleet.send(launchOf(1), 0);
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      isScarce = false;
      await fleet.until(
        async () => (await fleet.record(1))?.status === 'Running' && (await fleet.holders()).length === 0,
      );
      expect(fleet.cloud.made).toHaveLength(1);
      expect(await fleet.counts()).toEqual({ Failed: 1, Running: 1 });
    }
  });
});

describe('untriedLocations', () => {
  const group = { locations: ['a', 'b', 'c', 'd'] };

  it('untriedLocations returns the node group’s locations without the current location and the tried locations', () => {
    expect(untriedLocations(group, 'a', ['c'], 0)).toEqual(['b', 'd']);
    expect(untriedLocations(group, 'a', ['b', 'c', 'd'], 0)).toEqual([]);
  });

  it('untriedLocations starts at a different location for each position', () => {
    expect([0, 1, 2].map((index) => untriedLocations(group, 'a', [], index)[0])).toEqual(['b', 'c', 'd']);
  });
});
