import { afterEach, describe, expect, it } from 'vitest';
import { awaitNetworks } from '../../../../functions/features/instances/await-networks.ts';
import { networkKey } from '../../../../functions/platform/store/keys.ts';
import { readNetworks } from '../../../../functions/platform/store/networks.ts';
import { blockPlacement } from '../../../../functions/platform/store/placements.ts';
import { EAST, FLEET, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

const ATTEMPTS = [0, 1].map((index) => ({ message: launchOf(index), again: false }));
const NONE = { ready: [], waiting: [], failed: [], stopped: [] };

let fleet: OneFleet;
afterEach(() => fleet.end());

async function open(): Promise<void> {
  fleet = await OneFleet.open({ size: 2 });
  fleet.removeNetworks('east');
}
const wait = async () =>
  await fleet.run(fleet.worker, () => awaitNetworks(fleet.worker.context, EAST, ATTEMPTS));

describe('awaitNetworks', () => {
  it('if the fleet has network resources at the site, awaitNetworks returns all attempts as ready after one step', async () => {
    fleet = await OneFleet.open({ size: 2 });
    // The process caches the layout, which it reads once for all launches of the fleet.
    await fleet.worker.context.layout(FLEET);
    fleet.worker.steps = 0;
    expect(await wait()).toEqual({ ...NONE, ready: ATTEMPTS });
    expect(fleet.worker.steps).toBe(1);
  });

  it('if the fleet’s network resources could not be made, awaitNetworks returns the attempts as failed, with the error', async () => {
    await open();
    const blocked = { code: 'QuotaExceeded', message: 'no networks left' };
    await blockPlacement(fleet.store, { fleetId: FLEET, ...EAST }, blocked);
    expect(await wait()).toEqual({ ...NONE, failed: ATTEMPTS.map((one) => ({ ...one, failure: blocked })) });
  });

  it.each(['paused', 'ended'] as const)(
    'while launching is %s, awaitNetworks makes no network resources, and returns the attempts as stopped',
    async (how) => {
      await open();
      await fleet.stopLaunching(how);
      expect(await wait()).toEqual({ ...NONE, stopped: ATTEMPTS });
      expect(await readNetworks(fleet.store, { fleetId: FLEET, ...EAST })).toEqual([]);
    },
  );

  it('attempts wait while another worker makes a resource whose claim it took over from this slow worker', async () => {
    await open();
    const slow = fleet.makeWorker({
      at: /^answer to ensure key-pair/,
      does: async () => {
        const records = await readNetworks(fleet.store, { fleetId: FLEET, ...EAST });
        for (const record of records) {
          if (record.kind !== 'key-pair') continue;
          const { pk, sk } = networkKey(FLEET, EAST.connectionKey, EAST.location, record.kind, record.name);
          fleet.put('fleets', { pk, sk, ...record, claimUntilMs: record.claimUntilMs + 30_000 });
        }
      },
    });
    const found = await fleet.run(slow, () => awaitNetworks(slow.context, EAST, ATTEMPTS));
    expect(found).toEqual({ ...NONE, waiting: ATTEMPTS.map((one) => ({ ...one, waitMs: 1_000 })) });
    fleet.nowMs += 90_000;
    expect(await wait()).toEqual({ ...NONE, ready: ATTEMPTS });
  });
});
