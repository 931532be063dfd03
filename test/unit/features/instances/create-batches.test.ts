import { describe, expect, test } from 'vitest';
import {
  FLEET_TAG,
  GROUP_TAG,
  INSTANCE_TAG,
  type InstanceSpec,
} from '../../../../functions/drivers/contract/driver.ts';
import { batchesOf } from '../../../../functions/features/instances/create-batches.ts';
import { instanceId, launchToken } from '../../../../functions/model/identifiers.ts';

const spec = (n: number, over: Partial<InstanceSpec> = {}): { spec: InstanceSpec } => ({
  spec: {
    location: 'us-east-1',
    instanceId: `i${n}`,
    launchToken: `i${n}.1`,
    instanceType: 'm6i.large',
    imageBackendId: 'ami-1',
    networkBackendId: 'net',
    securityGroupBackendIds: ['group'],
    keyPairBackendId: 'key',
    ...over,
    tags: { team: 'search', ...over.tags, [INSTANCE_TAG]: `i${n}` },
  },
});
const OWN = (most: number) => ({ most, mostShared: 0 });
const idsOf = (batches: { spec: InstanceSpec }[][]) =>
  batches.map((batch) => batch.map((one) => one.spec.instanceId));

test('instances that differ only in ids and launch tokens are put into batches of at most the given size', () => {
  expect(
    idsOf(
      batchesOf(
        [1, 2, 3, 4, 5].map((n) => spec(n)),
        OWN(2),
      ),
    ),
  ).toEqual([['i1', 'i2'], ['i3', 'i4'], ['i5']]);
});

test.each<[string, Partial<InstanceSpec>]>([
  ['type', { instanceType: 'm6i.xlarge' }],
  ['zone', { zone: 'us-east-1a' }],
  ['user data', { userData: 'x' }],
  ['disk', { rootDisk: { sizeGb: 30 } }],
  ['network', { networkBackendId: 'another' }],
  ['label', { tags: { team: 'ads' } }],
])('an instance with a different %s gets a batch of its own', (_what, over) => {
  expect(idsOf(batchesOf([spec(1), spec(2, over), spec(3)], OWN(10)))).toEqual([['i1', 'i3'], ['i2']]);
});

test('batchesOf returns no batch if it gets no instance', () => expect(batchesOf([], OWN(5))).toEqual([]));

describe('a call for several fleets', () => {
  const shared = (most: number, mostShared: number) => ({ most, mostShared });
  const ofFleet = (letter: string, index: number, over: Partial<InstanceSpec> = {}, attempt = 1) => {
    const id = instanceId({ fleetId: `f012345678${letter}bcdef0`.slice(0, 17), index });
    const { tags, ...rest } = over;
    return {
      spec: {
        ...spec(index).spec,
        instanceId: id,
        launchToken: launchToken(id, attempt),
        ...rest,
        tags: { team: 'search', [FLEET_TAG]: `fleet-${letter}`, [GROUP_TAG]: 'all', ...tags },
      },
    };
  };
  const sizesOf = (all: { spec: InstanceSpec }[], sizes: ReturnType<typeof shared>) =>
    batchesOf(all, sizes).map(({ length }) => length);
  const three = ['a', 'b', 'c'].map((letter) => ofFleet(letter, 0));

  test('requests of several fleets share a call if they differ only in ids and in the names of fleets and groups', () => {
    expect(sizesOf(three, shared(100, 20))).toEqual([3]);
    expect(sizesOf([...three, ofFleet('d', 0, { userData: 'x' })], shared(100, 20))).toEqual([3, 1]);
    expect(sizesOf([...three, ofFleet('d', 0, { tags: { team: 'ads' } })], shared(100, 20))).toEqual([3, 1]);
  });

  test('requests of several fleets share no call where the cloud cannot make machines of several fleets in one call', () =>
    expect(sizesOf(three, shared(100, 0))).toEqual([1, 1, 1]));

  test('a call for several fleets has at most as many machines as the driver allows for them', () => {
    expect(sizesOf(three, shared(100, 2))).toEqual([2, 1]);
    const one = Array.from({ length: 5 }, (_, index) => ofFleet('a', index));
    expect(sizesOf(one, shared(100, 2))).toEqual([5]);
  });

  test('a launch whose attempt has two digits gets no call with other fleets, because the tags have no room for it', () =>
    expect(sizesOf([...three, ofFleet('d', 0, {}, 10)], shared(100, 20))).toEqual([3, 1]));
});
