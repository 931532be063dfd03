import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { doubtMissing } from '../../../../functions/features/networks/doubt-missing.ts';
import { EAST } from '../one-fleet/one-fleet.ts';
import { NEWS, SHOP, Sharing } from './sharing.ts';

const MINUTE = 60_000;

let sharing: Sharing;
beforeEach(async () => {
  sharing = await Sharing.open();
  await sharing.addFleet(SHOP);
  await sharing.addFleet(NEWS, ['203.0.113.0/24']);
  await sharing.prepare(SHOP);
});
afterEach(() => sharing.world.end());

/** Looks for the shared resources in a list of what the cloud shows, as a sweep does. */
const sweep = async () => {
  const { world } = sharing;
  await doubtMissing(world.worker.context, EAST, world.cloud.resources, world.nowMs);
};
const loseAll = () => {
  sharing.world.cloud.resources = [];
};
const madeOf = (kind: string) =>
  sharing.world.history.filter((call) => call.startsWith(`ensure ${kind}`)).length;

describe('a sweep', () => {
  it('takes the status Ready from shared resources that the cloud does not show, and the next fleet makes them', async () => {
    loseAll();
    sharing.world.nowMs += 11 * MINUTE;
    await sweep();
    expect(await sharing.shared()).toEqual(['network Creating 1', 'security-group Creating 1']);
    await sharing.prepare(NEWS);
    expect(await sharing.shared()).toEqual([
      'network Ready 2',
      'security-group Creating 1',
      'security-group Ready 1',
    ]);
    const [head] = (await sharing.heads()).filter(({ kind }) => kind === 'network');
    const network = sharing.world.cloud.resources.find(({ kind }) => kind === 'network');
    expect(head).toMatchObject({ name: network?.name, backendId: network?.backendId });
  });

  it('leaves resources alone that were made lately, and those that the cloud shows', async () => {
    sharing.world.nowMs += 11 * MINUTE;
    await sweep();
    await sharing.addFleet(NEWS, ['closed'], 'west');
    expect(await sharing.shared()).toEqual(['network Ready 1', 'security-group Ready 1']);
    sharing.world.nowMs -= 5 * MINUTE;
    loseAll();
    await sweep();
    expect(await sharing.shared()).toEqual(['network Ready 1', 'security-group Ready 1']);
  });

  it('does not stop the removal of a resource that it has doubted', async () => {
    loseAll();
    sharing.world.nowMs += 11 * MINUTE;
    await sweep();
    await sharing.endLaunching(SHOP);
    await sharing.remove(SHOP);
    expect(await sharing.shared()).toEqual([]);
  });
});

describe('a fleet that joins a shared network', () => {
  it('makes sure of it again if the cloud has not shown it for an hour', async () => {
    await sharing.prepare(NEWS);
    expect(madeOf('network')).toBe(1);
    sharing.world.nowMs += 61 * MINUTE;
    await sharing.prepare(NEWS);
    expect([madeOf('network'), sharing.world.cloud.resourcesMade]).toEqual([2, 5]);
    expect(await sharing.shared()).toEqual([
      'network Ready 2',
      'security-group Ready 1',
      'security-group Ready 1',
    ]);
  });

  it('makes the network again if the cloud refuses its security group because the network is gone', async () => {
    loseAll();
    sharing.world.nowMs += 2 * MINUTE;
    sharing.world.cloud.meet = (call) => {
      const isGone = sharing.world.cloud.resources.every(({ kind }) => kind !== 'network');
      if (call.startsWith('ensure security-group') && isGone)
        throw new DriverError('NotFound', 'no such network');
    };
    await sharing.prepare(NEWS);
    expect(sharing.world.failures.size).toBe(0);
    expect(sharing.standing).toEqual(['key-pair', 'network', 'security-group']);
  });
});
