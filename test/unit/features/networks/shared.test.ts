import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { readyNetworks } from '../../../../functions/features/networks/ready-networks.ts';
import { chaseUnused } from '../../../../functions/features/networks/remove-unused.ts';
import { readFleetItem, updateFleet } from '../../../../functions/platform/store/fleets.ts';
import { placementKey } from '../../../../functions/platform/store/keys.ts';
import { readPlacement } from '../../../../functions/platform/store/placements.ts';
import { CONNECTION, EAST } from '../one-fleet/one-fleet.ts';
import { NEWS, SHOP, Sharing } from './sharing.ts';

let sharing: Sharing;
beforeEach(async () => {
  sharing = await Sharing.open();
});
afterEach(() => sharing.world.end());

async function putLive(fleetId: string, group: string, count: number): Promise<void> {
  const placement = await readPlacement(sharing.world.store, fleetId, CONNECTION, 'east');
  sharing.world.put('fleets', {
    ...placementKey(fleetId, CONNECTION, 'east'),
    ...placement,
    counts: { Running: count },
    groups: { ...placement?.groups, [group]: { Running: count } },
  });
}

describe('fleets that share a network', () => {
  it('use one network and one security group for each set of rules, and have a key pair each', async () => {
    await sharing.addFleet(SHOP, ['closed', '203.0.113.0/24']);
    await sharing.addFleet(NEWS, ['203.0.113.0/24']);
    await sharing.prepare(SHOP);
    await sharing.prepare(NEWS);
    expect(await sharing.shared()).toEqual([
      'network Ready 2',
      'security-group Ready 1',
      'security-group Ready 2',
    ]);
    expect(sharing.standing).toEqual(['key-pair', 'key-pair', 'network', 'security-group', 'security-group']);
    expect(await sharing.used(NEWS)).toEqual(['network', 'security-group']);
  });

  it('are ready for launches only with their own key pair, wherever another worker is', async () => {
    let isReadyEarly = false;
    for (let at = 1; ; at += 1) {
      sharing.world.end();
      sharing = await Sharing.open();
      await sharing.addFleet(NEWS);
      await sharing.prepare(NEWS);
      await sharing.addFleet(SHOP);
      const { world } = sharing;
      const other = world.makeWorker();
      const look = async () => {
        const found = await world.run(other, () => readyNetworks(other.context, SHOP, EAST, 1));
        if (found === 'died' || found.length === 0) return;
        isReadyEarly = true;
        expect(found.map(({ kind }) => kind).sort(), `step ${at}`).toEqual([
          'key-pair',
          'network',
          'security-group',
        ]);
      };
      const worker = world.makeWorker({ at, does: look });
      await sharing.prepare(SHOP, worker);
      await look();
      expect(isReadyEarly).toBe(true);
      if (worker.steps < at) break;
      expect(at).toBeLessThan(60);
    }
  });

  it('leave the network to each other, and the last one takes everything with it', async () => {
    await sharing.addFleet(SHOP);
    await sharing.addFleet(NEWS);
    await sharing.prepare(SHOP);
    await sharing.prepare(NEWS);
    await sharing.endLaunching(SHOP);
    await sharing.remove(SHOP);
    expect(await sharing.shared()).toEqual(['network Ready 1', 'security-group Ready 1']);
    expect(sharing.standing).toEqual(['key-pair', 'network', 'security-group']);
    await sharing.endLaunching(NEWS);
    await sharing.remove(NEWS);
    expect(await sharing.shared()).toEqual([]);
    expect(sharing.standing).toEqual([]);
  });

  it('if their shared network cannot be removed, try it again as soon as a user asks for the removal again', async () => {
    const { world } = sharing;
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    await sharing.endLaunching(SHOP);
    const tries: number[] = [];
    let isRefused = true;
    world.cloud.meet = (call) => {
      if (!call.startsWith('delete network')) return;
      tries.push(world.nowMs);
      if (isRefused) throw new DriverError('Conflict', 'the network has a port of something else');
    };
    await expect(sharing.remove(SHOP)).rejects.toThrow('did not end');
    isRefused = false;
    const fleet = await readFleetItem(world.store, SHOP);
    if (!fleet) throw new Error('the fleet has no record');
    const [stuck] = (await sharing.heads()).flatMap((one) => one.stuck ?? []);
    expect(stuck?.nextTryAtMs).toBeGreaterThan(world.nowMs);
    const before = tries.length;
    await updateFleet(world.store, fleet, { removalAskedAtMs: world.nowMs });
    const askedAtMs = world.nowMs;
    await sharing.remove(SHOP);
    expect(tries.slice(before)).toEqual([askedAtMs]);
    expect(sharing.standing).toEqual([]);
  });

  it('get networks with different address ranges at different locations', async () => {
    await sharing.addFleet(SHOP);
    await sharing.addFleet(NEWS, ['closed'], 'west');
    await sharing.prepare(SHOP);
    await sharing.prepare(NEWS, sharing.world.worker, 'west');
    const cidrs = sharing.world.cloud.resources.flatMap(({ cidr }) => cidr ?? []);
    expect(new Set(cidrs).size).toBe(2);
    for (const cidr of cidrs) expect(cidr).toMatch(/^10\.\d+\.0\.0\/16$/);
  });
});

describe('the address pool', () => {
  it('if it is used up, fails the task with what the user can do, and makes nothing', async () => {
    sharing.world.sharedNetworks.pool = '10.7.0.0/16';
    await sharing.addFleet(SHOP);
    await sharing.addFleet(NEWS, ['closed'], 'west');
    await sharing.prepare(SHOP);
    await sharing.prepare(NEWS, sharing.world.worker, 'west');
    expect([...sharing.world.failures.values()]).toEqual(['NoAddressRange']);
    expect(sharing.standing).toEqual(['key-pair', 'network', 'security-group']);
    const west = await readPlacement(sharing.world.store, NEWS, CONNECTION, 'west');
    expect(west?.blocked?.message).toContain('network remove --unused');
  });

  it('gets a range back when the network is gone', async () => {
    sharing.world.sharedNetworks.pool = '10.7.0.0/16';
    await sharing.addFleet(SHOP);
    await sharing.addFleet(NEWS, ['closed'], 'west');
    await sharing.prepare(SHOP);
    await sharing.endLaunching(SHOP);
    await sharing.remove(SHOP);
    await sharing.prepare(NEWS, sharing.world.worker, 'west');
    expect(sharing.world.failures.size).toBe(0);
    expect(sharing.world.cloud.resources.find(({ kind }) => kind === 'network')?.cidr).toBe('10.7.0.0/16');
  });
});

describe('a fleet that is being removed', () => {
  it('does not leave its network while an instance of it may exist', async () => {
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    await sharing.endLaunching(SHOP);
    await putLive(SHOP, 'group-0', 1);
    await expect(sharing.remove(SHOP)).rejects.toThrow('did not end');
    expect(await sharing.shared()).toEqual(['network Ready 1', 'security-group Ready 1']);
    await putLive(SHOP, 'group-0', 0);
    await sharing.remove(SHOP);
    expect(sharing.standing).toEqual([]);
  });

  it('does not leave its network if a machine comes back between the look at its counters and the write', async () => {
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    await sharing.endLaunching(SHOP);
    const worker = sharing.world.makeWorker({
      at: /TransactWrite.*#users - :one/,
      does: () => putLive(SHOP, 'group-0', 1),
    });
    await expect(sharing.remove(SHOP, { worker })).rejects.toThrow('did not end');
    expect(await sharing.used(SHOP)).toEqual(['network', 'security-group']);
  });

  it('if only its failed instances are removed, leaves what no other node group needs', async () => {
    await sharing.addFleet(SHOP, ['closed', '203.0.113.0/24']);
    await sharing.prepare(SHOP);
    await sharing.pauseLaunching(SHOP);
    await putLive(SHOP, 'group-0', 1);
    await sharing.remove(SHOP, { scope: 'failed' });
    expect(await sharing.shared()).toEqual(['network Ready 1', 'security-group Ready 1']);
    await putLive(SHOP, 'group-0', 0);
    await sharing.remove(SHOP, { scope: 'failed' });
    expect(await sharing.shared()).toEqual([]);
    expect(sharing.standing).toEqual([]);
  });

  it('that joins again later gets a membership with a greater version than each earlier one', async () => {
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    const earlier = await sharing.membershipVersion(SHOP);
    await sharing.pauseLaunching(SHOP);
    await sharing.remove(SHOP, { scope: 'failed' });
    expect(await sharing.membershipVersion(SHOP)).toBeUndefined();
    sharing.world.nowMs += 1_000;
    await sharing.openLaunching(SHOP, 2);
    await sharing.prepare(SHOP);
    expect(await sharing.membershipVersion(SHOP)).toBeGreaterThan(earlier ?? Number.POSITIVE_INFINITY);
  });

  it('leaves nothing while launching is on', async () => {
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    await sharing.remove(SHOP, { scope: 'failed' });
    expect(await sharing.shared()).toEqual(['network Ready 1', 'security-group Ready 1']);
  });
});

describe('with a grace period', () => {
  beforeEach(async () => {
    sharing.world.sharedNetworks.graceMs = 1_800_000;
    await sharing.addFleet(SHOP);
    await sharing.prepare(SHOP);
    await sharing.endLaunching(SHOP);
    await sharing.remove(SHOP);
  });

  it('an unused network is kept for that time, and then removed', async () => {
    expect(await sharing.shared()).toEqual(['network Ready 0', 'security-group Ready 0']);
    const leftAtMs = sharing.world.nowMs;
    await sharing.removeUnused();
    expect(sharing.world.nowMs).toBeGreaterThanOrEqual(leftAtMs + 1_800_000);
    expect(await sharing.shared()).toEqual([]);
    expect(sharing.standing).toEqual([]);
  });

  it('a fleet that comes in that time uses the network, and nothing is removed', async () => {
    await sharing.addFleet(NEWS);
    await sharing.prepare(NEWS);
    await sharing.removeUnused();
    expect(await sharing.shared()).toEqual(['network Ready 1', 'security-group Ready 1']);
    expect(sharing.world.cloud.resources.filter(({ kind }) => kind === 'network')).toHaveLength(1);
  });

  it('if the message is lost, a sweep sends it again after that time, and not before', async () => {
    sharing.world.queue = [];
    await chaseUnused(sharing.world.worker.context, EAST);
    expect(sharing.world.sent('remove-unused')).toEqual([]);
    sharing.world.nowMs += 1_800_000 + 61_000;
    await chaseUnused(sharing.world.worker.context, EAST);
    await sharing.removeUnused();
    expect(sharing.standing).toEqual([]);
  });
});

/** Runs `play` with an interruption before each step of a worker, until the worker has no such step. */
async function atEachStep(play: (step: number) => Promise<number>): Promise<number> {
  let step = 1;
  for (; ; step += 1) {
    sharing.world.end();
    sharing = await Sharing.open();
    if ((await play(step)) < step) return step - 1;
    if (step > 300) throw new Error('the worker has too many steps');
  }
}

describe('a worker that dies before any of its steps', () => {
  it('leaves a network that the next worker completes: one is made, with one user', async () => {
    const steps = await atEachStep(async (at) => {
      await sharing.addFleet(SHOP);
      const worker = sharing.world.makeWorker({ at, does: 'die' });
      await sharing.prepare(SHOP, worker);
      expect(await sharing.shared(), `step ${at}`).toEqual(['network Ready 1', 'security-group Ready 1']);
      expect(sharing.standing, `step ${at}`).toEqual(['key-pair', 'network', 'security-group']);
      expect(sharing.world.cloud.resourcesMade).toBe(3);
      return worker.steps;
    });
    expect(steps).toBeGreaterThan(15);
  });

  it('leaves a removal that the next worker completes: nothing is left, and the range is free', async () => {
    const steps = await atEachStep(async (at) => {
      sharing.world.sharedNetworks.pool = '10.7.0.0/16';
      await sharing.addFleet(SHOP);
      await sharing.prepare(SHOP);
      await sharing.endLaunching(SHOP);
      const worker = sharing.world.makeWorker({ at, does: 'die' });
      await sharing.remove(SHOP, { worker });
      await sharing.removeUnused();
      expect(await sharing.shared(), `step ${at}`).toEqual([]);
      expect(sharing.standing, `step ${at}`).toEqual([]);
      await sharing.addFleet(NEWS, ['closed'], 'west');
      await sharing.prepare(NEWS, sharing.world.worker, 'west');
      expect(sharing.world.failures.size, `step ${at}`).toBe(0);
      return worker.steps;
    });
    expect(steps).toBeGreaterThan(20);
  });
});

describe('two workers at the same time', () => {
  it('make one network, if the second fleet comes before any step of the first', async () => {
    await atEachStep(async (at) => {
      await sharing.addFleet(SHOP);
      await sharing.addFleet(NEWS);
      const worker = sharing.world.makeWorker({
        at,
        does: () => sharing.world.handle(sharing.prepareMessage(NEWS)),
      });
      await sharing.prepare(SHOP, worker);
      await sharing.prepare(NEWS);
      expect(await sharing.shared(), `step ${at}`).toEqual(['network Ready 2', 'security-group Ready 2']);
      expect(sharing.standing, `step ${at}`).toEqual(['key-pair', 'key-pair', 'network', 'security-group']);
      return worker.steps;
    });
  });

  it('never remove what a fleet has joined: one that comes before any step of the removal has a network', async () => {
    await atEachStep(async (at) => {
      await sharing.addFleet(SHOP);
      await sharing.addFleet(NEWS);
      await sharing.prepare(SHOP);
      await sharing.endLaunching(SHOP);
      const worker = sharing.world.makeWorker({
        at,
        does: () => sharing.world.handle(sharing.prepareMessage(NEWS)),
      });
      await sharing.remove(SHOP, { worker });
      await sharing.prepare(NEWS);
      expect(await sharing.shared(), `step ${at}`).toEqual(['network Ready 1', 'security-group Ready 1']);
      expect(sharing.standing, `step ${at}`).toEqual(['key-pair', 'network', 'security-group']);
      const ids = sharing.world.cloud.resources.map(({ backendId }) => backendId);
      for (const { backendId } of await sharing.heads()) expect(ids, `step ${at}`).toContain(backendId);
      await sharing.endLaunching(NEWS);
      await sharing.remove(NEWS);
      expect(sharing.standing, `step ${at}`).toEqual([]);
      return worker.steps;
    });
  });

  it('leave nothing, if both fleets are removed at the same time', async () => {
    await atEachStep(async (at) => {
      await sharing.addFleet(SHOP);
      await sharing.addFleet(NEWS);
      await sharing.prepare(SHOP);
      await sharing.prepare(NEWS);
      await sharing.endLaunching(SHOP);
      await sharing.endLaunching(NEWS);
      const worker = sharing.world.makeWorker({ at, does: () => sharing.remove(NEWS) });
      await sharing.remove(SHOP, { worker });
      await sharing.remove(NEWS);
      expect(await sharing.shared(), `step ${at}`).toEqual([]);
      expect(sharing.standing, `step ${at}`).toEqual([]);
      return worker.steps;
    });
  });
});
