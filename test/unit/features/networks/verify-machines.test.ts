import { describe, expect, it } from 'vitest';
import type { CloudClient } from '../../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import {
  type GivenMachine,
  imageFaults,
  type MachineFault,
} from '../../../../functions/drivers/contract/machine-checks.ts';
import { errorsOf, isGiven, refusalWith } from '../../../../functions/features/networks/verify-machines.ts';
import type { PointedGroup } from '../../../../functions/features/networks/verify-markets.ts';
import type { NodeGroup } from '../../../../functions/model/fleet.ts';
import { MemoryCloud } from '../one-fleet/memory-cloud.ts';

const TYPES = [
  { name: 'm6i.large', architectures: ['x86_64'] },
  { name: 'm7g.large', architectures: ['arm64'] },
] as const;
const GROUP: NodeGroup = {
  ...{ name: 'web', size: 1, connection: 'cloud', locations: ['east'], driver: 'aws', cloud: 'aws' },
  ...{ instanceType: 'm6i.large', image: 'ubuntu-24.04', imageBackendIds: {}, pricesUsdPerHour: {} },
};
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

  it('a root disk that is smaller than the image needs is a fault of the field that names its size', () => {
    const small = { field: 'rootDiskGb', sizeGb: 9 } as const;
    const faults = imageFaults('east', 'ami-1', { minDiskGb: 10 }, TYPES, small);
    expect(faults).toMatchObject([{ field: 'rootDiskGb', code: 'too-small' }]);
    expect(faults[0]?.message).toContain('at least 10');
    const enough = { field: 'rootDisk/sizeGb', sizeGb: 10 } as const;
    expect(imageFaults('east', 'ami-1', { minDiskGb: 10 }, TYPES, enough)).toEqual([]);
    expect(imageFaults('east', 'ami-1', {}, TYPES, small)).toEqual([]);
  });

  it('an image whose architecture the cloud does not say has no fault', () => {
    expect(imageFaults('east', 'ami-1', {}, TYPES)).toEqual([]);
  });
});

describe('errorsOf', () => {
  const plain = () =>
    new MemoryCloud(Date.now, () => undefined)
      .driverOf(() => Promise.resolve())
      .connect({
        cloud: 'aws',
        credential: {},
        deploymentId: 'test',
        connectionKey: 'default/cloud',
        calls: { send: () => Promise.reject(new Error('no call is expected')) },
      });
  const clientWith = (verifyMachine: (machine: GivenMachine) => Promise<MachineFault[]>): CloudClient =>
    Object.assign(plain(), { verifyMachine: (_: string, machine: GivenMachine) => verifyMachine(machine) });
  const key = 'alias/fleets';
  const groupAt = (index: number, over: object): PointedGroup => ({
    pointer: `/nodeGroups/${index}`,
    group: { ...GROUP, ...over },
  });
  const NAMED = [
    groupAt(2, {
      rootDisk: { encryptionKeyId: key },
      dataDisks: [{ sizeGb: 1 }, { sizeGb: 1, encryptionKeyId: 'k' }],
    }),
  ];

  it('each fault becomes an error of its field in its node group', async () => {
    const asked: GivenMachine[] = [];
    const client = clientWith((machine) => {
      asked.push(machine);
      return Promise.resolve([
        { field: 'image', code: 'unknown-image', message: 'no such image' },
        { field: 'dataDisks/1/encryptionKeyId', code: 'not-usable', message: 'disabled' },
      ]);
    });
    const errors = await errorsOf(client, 'east', NAMED);
    expect(asked.map(({ encryptionKeys }) => encryptionKeys)).toEqual([
      [
        { field: 'rootDisk/encryptionKeyId', id: key },
        { field: 'dataDisks/1/encryptionKeyId', id: 'k' },
      ],
    ]);
    expect(refusalWith(errors)).toEqual({
      code: 'InvalidRequest',
      message: 'no such image (and 1 more)',
      errors: [
        { pointer: '/nodeGroups/2/image', code: 'unknown-image', message: 'no such image' },
        { pointer: '/nodeGroups/2/dataDisks/1/encryptionKeyId', code: 'not-usable', message: 'disabled' },
      ],
    });
  });

  it('a given image is checked together with the size of the root disk, by its older field or its newer one', async () => {
    const asked: GivenMachine['rootDisk'][] = [];
    const client = clientWith(({ rootDisk }) => {
      asked.push(rootDisk);
      return Promise.resolve([]);
    });
    const image = { imageIsGiven: true, imageBackendIds: { east: 'ami-1' } };
    await errorsOf(client, 'east', [
      groupAt(0, { ...image, rootDisk: { sizeGb: 9 } }),
      groupAt(1, { ...image, rootDiskGb: 8 }),
      groupAt(2, image),
    ]);
    expect(asked).toEqual([
      { field: 'rootDisk/sizeGb', sizeGb: 9 },
      { field: 'rootDiskGb', sizeGb: 8 },
      undefined,
    ]);
  });

  it('nothing is refused if nothing is wrong', async () => {
    expect(
      refusalWith(
        await errorsOf(
          clientWith(() => Promise.resolve([])),
          'east',
          NAMED,
        ),
      ),
    ).toBeUndefined();
  });

  it('a check that fails hides no fault of another node group, and is thrown if nothing else is wrong', async () => {
    const failing = clientWith(({ placementGroup }) =>
      placementGroup === undefined
        ? Promise.reject(new DriverError('Unavailable', 'no answer'))
        : Promise.resolve([
            { field: 'placementGroup', code: 'unknown-placement-group', message: 'none such' },
          ]),
    );
    expect(await errorsOf(failing, 'east', [...NAMED, groupAt(3, { placementGroup: 'near' })])).toMatchObject(
      [{ pointer: '/nodeGroups/3/placementGroup' }],
    );
    await expect(errorsOf(failing, 'east', NAMED)).rejects.toMatchObject({ code: 'Unavailable' });
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
  expect(isGiven({ driver: 'aws', rootDisk: { encryptionKeyId: 'alias/fleets' } })).toBe(true);
  const dataDisks = [{ sizeGb: 9, deleteOnTermination: true, encryptionKeyId: 'alias/fleets' }];
  expect(isGiven({ driver: 'aws', dataDisks })).toBe(true);
  expect(isGiven({ driver, dataDisks: [{ sizeGb: 9, deleteOnTermination: true }] })).toBe(true);
  // The API knows the disk types of these drivers.
  expect(isGiven({ driver: 'aws', rootDisk: { sizeGb: 9, type: 'gp3' } })).toBe(false);
});
