import { afterEach, describe, expect, it } from 'vitest';
import type { LateNames } from '../../../../functions/drivers/contract/capabilities.ts';
import type { CloudClient, CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { nameMachines } from '../../../../functions/features/poller/name-machines.ts';
import { readSiteEntries } from '../../../../functions/platform/store/instances.ts';
import { EAST, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
afterEach(() => fleet.end());

/** Launches instances, and returns their machines as made by one call, without names. */
async function launched(size: number): Promise<CloudInstance[]> {
  const create = { perSecond: 100, burst: 100 };
  fleet = await OneFleet.open({ size, limits: { concurrentInstancesPerLocation: 100, calls: { create } } });
  for (let index = 0; index < size; index += 1) await fleet.handle(launchOf(index));
  return fleet.cloud.made.map((machine) => ({ ...machine, isUnnamed: true as const }));
}

/** Polls with these machines. @returns the answer, and the machines that were named */
async function poll(seen: readonly CloudInstance[], refuse?: () => DriverError | undefined) {
  const named: string[] = [];
  const opened = await fleet.opened();
  const client: CloudClient & LateNames = Object.assign(Object.create(opened.client), {
    nameInstance: async (_location: string, { backendId }: { backendId: string }) => {
      const error = refuse?.();
      if (error) throw error;
      named.push(backendId);
    },
  });
  const { context } = fleet.worker;
  const entries = await readSiteEntries(fleet.store, EAST.connectionKey, EAST.location);
  const isLeft = await nameMachines(
    { context, site: EAST, opened: { ...opened, client } },
    { entries, seen },
  );
  return { isLeft, named };
}

describe('nameMachines', () => {
  it('a poll names each machine of a batch that has no name, and then no machine is left', async () => {
    const seen = await launched(3);
    expect(await poll(seen)).toEqual({ isLeft: false, named: ['m1', 'm2', 'm3'] });
    expect(await poll(seen.map(({ isUnnamed: _, ...named }) => named))).toEqual({ isLeft: false, named: [] });
  });

  it('one poll names fifty machines, and leaves the others to the next poll', async () => {
    const seen = await launched(60);
    const { isLeft, named } = await poll(seen);
    expect([isLeft, named.length]).toEqual([true, 50]);
  });

  it('a copy of a machine, a machine that ends and a machine of no record get no name', async () => {
    const [first, second, third] = await launched(3);
    if (!first || !second || !third) throw new Error('three machines were launched');
    const copy = { ...first, backendId: 'copy' };
    const ending = { ...second, status: 'Terminating' as const };
    const { instanceId: _, ...unknown } = third;
    expect(await poll([copy, ending, unknown])).toEqual({ isLeft: false, named: [] });
  });

  it('machines without a permit, and machines whose call is throttled, are named by a later poll', async () => {
    const seen = await launched(2);
    for (const code of ['NoPermit', 'Throttled'] as const)
      expect(await poll(seen, () => new DriverError(code, 'later'))).toEqual({ isLeft: true, named: [] });
  });

  it('a poll loop does not go on for names that the credential may not give', async () => {
    const seen = await launched(2);
    expect(await poll(seen, () => new DriverError('Forbidden', 'no'))).toEqual({ isLeft: false, named: [] });
  });

  it('a machine that is gone does not keep the others from getting names', async () => {
    const seen = await launched(2);
    let calls = 0;
    const refuse = () => (++calls === 1 ? new DriverError('NotFound', 'gone') : undefined);
    expect(await poll(seen, refuse)).toMatchObject({ isLeft: false, named: [expect.any(String)] });
  });

  it('a client that cannot name machines leaves none to name', async () => {
    const seen = await launched(1);
    const { context } = fleet.worker;
    const opened = await fleet.opened();
    expect(await nameMachines({ context, site: EAST, opened }, { entries: [], seen })).toBe(false);
  });
});
