import { afterEach, beforeEach, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import {
  getNetwork,
  listNetworks,
  type NetworkCursor,
} from '../../../../functions/features/networks/network-view.ts';
import { requestRemoval } from '../../../../functions/features/networks/request-removal.ts';
import { allConnections } from '../../../../functions/platform/store/connections.ts';
import type { DriverMessage } from '../../../../functions/platform/workflow/messages.ts';
import { NEWS, SHOP, Sharing } from './sharing.ts';

let sharing: Sharing;
beforeEach(async () => {
  sharing = await Sharing.open();
  sharing.world.sharedNetworks.graceMs = 600_000;
  await sharing.addFleet(SHOP);
  await sharing.addFleet(NEWS, ['closed'], 'west');
  await sharing.prepare(SHOP);
  await sharing.prepare(NEWS, sharing.world.worker, 'west');
});
afterEach(() => sharing.world.end());

const connections = () => allConnections(sharing.world.store, { consistent: true });

async function all(filter: { unused?: boolean; location?: string } = {}) {
  const found = [];
  let cursor: NetworkCursor | null | undefined;
  do {
    const page = await listNetworks(sharing.world.store, 'default', await connections(), {
      limit: 1,
      ...filter,
      ...(cursor ? { cursor } : {}),
    });
    expect(page.items.length).toBeLessThanOrEqual(1);
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor);
  return found;
}

async function leave(fleetId: string): Promise<void> {
  await sharing.endLaunching(fleetId);
  await sharing.remove(fleetId);
}

it('a list has each shared network once, page by page, with its range and the number of its users', async () => {
  expect(await all()).toMatchObject([
    { mode: 'shared', cloud: 'aws', connection: 'cloud', location: 'east', state: 'Ready', users: 1 },
    { mode: 'shared', connection: 'cloud', location: 'west', users: 1 },
  ]);
  for (const { cidr, unusedSince } of await all()) {
    expect(cidr).toMatch(/^10\.\d+\.0\.0\/16$/);
    expect(unusedSince).toBeUndefined();
  }
  expect(await all({ location: 'west' })).toHaveLength(1);
});

it('an unused network says since when, and a list of unused ones has only that', async () => {
  expect(await all({ unused: true })).toEqual([]);
  await leave(SHOP);
  const [unused, ...others] = await all({ unused: true });
  expect(others).toEqual([]);
  expect(unused).toMatchObject({ location: 'east', users: 0 });
  expect(Date.parse(unused?.unusedSince ?? '')).toBeLessThanOrEqual(sharing.world.nowMs);
});

it('a single network names its security groups', async () => {
  const [network] = await all();
  const found = await getNetwork(sharing.world.store, 'default', await connections(), network?.name ?? '');
  expect(found).toMatchObject({ name: network?.name, securityGroups: [{ state: 'Ready', users: 1 }] });
  expect(
    await getNetwork(sharing.world.store, 'default', await connections(), 'sharednabsent'),
  ).toBeUndefined();
});

it('a single network says why the cloud does not remove a security group in it', async () => {
  const [network] = await all({ location: 'east' });
  await leave(SHOP);
  sharing.world.cloud.meet = (call) => {
    if (/^delete security-group/.test(call)) throw new DriverError('Conflict', 'another group names it');
  };
  await sharing.removeUnused();
  const found = await getNetwork(sharing.world.store, 'default', await connections(), network?.name ?? '');
  expect(found?.securityGroups).toMatchObject([
    { state: 'Deleting', users: 0, stuck: { message: 'another group names it' } },
  ]);
});

it('a requested removal removes what is unused before its grace time is over, and nothing else', async () => {
  await leave(SHOP);
  const sent: DriverMessage[] = [];
  const removing = await requestRemoval(
    sharing.world.store,
    await connections(),
    undefined,
    async (_, one) => {
      sent.push(one);
    },
  );
  expect(removing).toMatchObject([{ location: 'east', users: 0 }]);
  expect(sent).toMatchObject([{ kind: 'remove-unused', location: 'east', graceMs: 0 }]);
  sharing.world.queue = [];
  for (const message of sent) sharing.world.send(message, 0);
  await sharing.removeUnused();
  expect(await sharing.shared('east')).toEqual([]);
  expect(await sharing.shared('west')).toEqual(['network Ready 1', 'security-group Ready 1']);
});
