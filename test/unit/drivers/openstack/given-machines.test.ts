import { expect, test } from 'vitest';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { GivenMachine } from '../../../../functions/drivers/contract/machine-checks.ts';
import { findDiskFaults } from '../../../../functions/drivers/openstack/given-machines.ts';
import { clientOf, fault, json, REGION } from './cloud-double.ts';

const ID = '01234567-89ab-cdef-0123-456789abcdef';
const NEAR = { id: ID, name: 'near' };

async function faultsOf(machine: Partial<GivenMachine>): Promise<string[]> {
  const { client } = clientOf({
    'GET nova /v2.1/os-server-groups': () => json({ server_groups: [NEAR] }),
    [`GET nova /v2.1/os-server-groups/${ID}`]: () => json({ server_group: NEAR }),
    'GET nova /v2.1/os-server-groups/11111111-89ab-cdef-0123-456789abcdef': () =>
      fault('itemNotFound', 404, 'no such group'),
  });
  if (!has(client, 'machine-checks')) throw new TypeError('driver openstack checks no machines');
  const faults = await client.verifyMachine(REGION, { instanceTypes: [], ...machine });
  return faults.map(({ field, code }) => `${field} ${code}`);
}

test('a server group is found by its name or its id', async () => {
  expect(await faultsOf({ placementGroup: 'near' })).toEqual([]);
  expect(await faultsOf({ placementGroup: ID })).toEqual([]);
});

test('a server group that the project does not have is a fault of its field', async () => {
  const unknown = ['placementGroup unknown-placement-group'];
  expect(await faultsOf({ placementGroup: 'far' })).toEqual(unknown);
  expect(await faultsOf({ placementGroup: '11111111-89ab-cdef-0123-456789abcdef' })).toEqual(unknown);
});

test('a volume type that Cinder does not have is a fault of its disk', async () => {
  const region: Parameters<typeof findDiskFaults>[0] = {
    name: REGION,
    call: () => Promise.reject(new Error('no call is expected')),
    remove: () => Promise.reject(new Error('no call is expected')),
    hasVolumes: () => Promise.resolve(true),
    readAll: (_service, { item }) => Promise.resolve([item.parse({ id: 't1', name: 'ssd' })]),
  };
  const diskTypes = [
    { field: 'rootDisk/type', name: 'ssd' },
    { field: 'dataDisks/0/type', name: 't1' },
    { field: 'dataDisks/1/type', name: 'nvme' },
  ] as const;
  expect(await findDiskFaults(region, { diskTypes, dataDisks: 2 })).toEqual([
    {
      field: 'dataDisks/1/type',
      code: 'unknown-disk-type',
      message: `${REGION} has no volume type nvme; its types are: ssd`,
    },
  ]);
});

test('a region without Cinder has no disk of a named type, and no data disk', async () => {
  const region: Parameters<typeof findDiskFaults>[0] = {
    name: REGION,
    call: () => Promise.reject(new Error('no call is expected')),
    remove: () => Promise.reject(new Error('no call is expected')),
    hasVolumes: () => Promise.resolve(false),
    readAll: () => Promise.reject(new Error('no call is expected')),
  };
  const diskTypes = [{ field: 'rootDisk/type', name: 'ssd' }] as const;
  const codes = (faults: readonly { field: string; code: string }[]) =>
    faults.map(({ field, code }) => `${field} ${code}`);
  expect(codes(await findDiskFaults(region, { diskTypes, dataDisks: 2 }))).toEqual([
    'rootDisk/type unknown-disk-type',
    'dataDisks not-usable',
  ]);
  expect(await findDiskFaults(region, {})).toEqual([]);
});
