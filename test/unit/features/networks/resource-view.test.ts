import { afterEach, beforeEach, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { listResources } from '../../../../functions/features/networks/resource-view.ts';
import type { FleetStatus } from '../../../../functions/model/status.ts';
import { NEWS, SHOP, Sharing } from './sharing.ts';

let sharing: Sharing;
beforeEach(async () => {
  sharing = await Sharing.open();
  await sharing.addFleet(SHOP);
  await sharing.prepare(SHOP);
});
afterEach(() => sharing.world.end());

async function list(fleetId: string, status: FleetStatus) {
  const fleet = { fleetId, name: fleetId, connections: ['cloud'], status };
  const page = await listResources(sharing.world.store, 'default', [], { limit: 100 }, fleet);
  return page.items.map(({ kind, state, stuck }) => ({ kind, state, message: stuck?.message }));
}

it('a fleet shows the shared resources that it uses, until it leaves them', async () => {
  const used = [
    { kind: 'network', state: 'Ready', message: undefined },
    { kind: 'security-group', state: 'Ready', message: undefined },
  ];
  expect(await list(SHOP, 'Creating')).toEqual(expect.arrayContaining(used));
  await sharing.endLaunching(SHOP);
  expect(await list(SHOP, 'Terminating')).toEqual(expect.arrayContaining(used));
  await sharing.remove(SHOP);
  expect(await list(SHOP, 'Terminating')).toEqual([]);
});

it('a fleet that is being removed shows the shared network that the cloud refuses to remove, once', async () => {
  await sharing.addFleet(NEWS);
  await sharing.prepare(NEWS);
  for (const fleetId of [SHOP, NEWS]) await sharing.endLaunching(fleetId);
  await sharing.remove(NEWS);
  sharing.world.cloud.meet = (call) => {
    if (/^delete network/.test(call)) throw new DriverError('Conflict', 'an interface is in the network');
  };
  await expect(sharing.remove(SHOP)).rejects.toThrow('did not end');
  expect(await list(SHOP, 'Terminating')).toEqual([
    { kind: 'network', state: 'Deleting', message: 'an interface is in the network' },
  ]);
  expect(await list(SHOP, 'Terminated')).toEqual([]);
  expect(await list(NEWS, 'Running')).toEqual([]);
});
