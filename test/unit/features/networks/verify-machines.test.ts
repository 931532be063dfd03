import { describe, expect, it } from 'vitest';
import type { CloudClient } from '../../../../functions/drivers/contract/driver.ts';
import { imageFaults, type MachineFault } from '../../../../functions/drivers/contract/machine-checks.ts';
import { isGiven, refusalOfMachines } from '../../../../functions/features/networks/verify-machines.ts';
import { MemoryCloud } from '../one-fleet/memory-cloud.ts';

const TYPES = [
  { name: 'm6i.large', architectures: ['x86_64'] },
  { name: 'm7g.large', architectures: ['arm64'] },
] as const;
const codesOf = (faults: readonly MachineFault[]) => faults.map(({ code }) => code);

describe('imageFaults', () => {
  it('an image that the cloud does not show, or that no machine can boot, is a fault', () => {
    expect(codesOf(imageFaults('east', 'ami-1', undefined, TYPES))).toEqual(['unknown-image']);
    expect(codesOf(imageFaults('east', 'ami-1', { unusable: 'deregistered' }, TYPES))).toEqual([
      'not-usable',
    ]);
  });

  it('each type that the image does not boot on is a fault', () => {
    const faults = imageFaults('east', 'ami-1', { architectures: ['x86_64'] }, TYPES);
    expect(faults).toMatchObject([
      { code: 'architecture-mismatch', message: expect.stringContaining('m7g.large') },
    ]);
    expect(imageFaults('east', 'ami-1', { architectures: [] }, TYPES)).toHaveLength(2);
  });

  it('an image whose architecture the cloud does not say has no fault', () => {
    expect(imageFaults('east', 'ami-1', {}, TYPES)).toEqual([]);
  });
});

describe('refusalOfMachines', () => {
  const plain = new MemoryCloud(Date.now, () => undefined)
    .driverOf(() => Promise.resolve())
    .connect({
      cloud: 'aws',
      credential: {},
      deploymentId: 'test',
      connectionKey: 'default/cloud',
      calls: { send: () => Promise.reject(new Error('no call is expected')) },
    });
  const machine = { instanceTypes: ['m6i.large'], imageId: 'ami-1' };
  const clientWith = (faults: MachineFault[]): CloudClient =>
    Object.assign(plain, { verifyMachine: () => Promise.resolve(faults) });

  it('each fault becomes an error of its field in its node group', async () => {
    const client = clientWith([
      { field: 'image', code: 'unknown-image', message: 'no such image' },
      { field: 'identity', code: 'denied-identity', message: 'no right' },
    ]);
    expect(await refusalOfMachines(client, 'east', [{ pointer: '/nodeGroups/2', machine }])).toEqual({
      code: 'InvalidRequest',
      message: 'no such image (and 1 more)',
      errors: [
        { pointer: '/nodeGroups/2/image', code: 'unknown-image', message: 'no such image' },
        { pointer: '/nodeGroups/2/identity', code: 'denied-identity', message: 'no right' },
      ],
    });
  });

  it('nothing is refused if nothing is wrong', async () => {
    expect(
      await refusalOfMachines(clientWith([]), 'east', [{ pointer: '/nodeGroups/0', machine }]),
    ).toBeUndefined();
  });
});

it('only node groups that name something which the cloud alone can check are verified', () => {
  const driver = 'openstack';
  expect(isGiven({ driver })).toBe(false);
  expect(isGiven({ driver, imageIsGiven: true })).toBe(true);
  expect(isGiven({ driver, identity: 'web' })).toBe(true);
  expect(isGiven({ driver, placementGroup: 'near' })).toBe(true);
  expect(isGiven({ driver, rootDisk: { sizeGb: 9 } })).toBe(false);
  expect(isGiven({ driver, rootDisk: { sizeGb: 9, type: 'ssd' } })).toBe(true);
  // The API knows the disk types of these drivers.
  expect(isGiven({ driver: 'aws', rootDisk: { sizeGb: 9, type: 'gp3' } })).toBe(false);
});
