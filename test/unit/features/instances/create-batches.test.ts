import { expect, test } from 'vitest';
import { INSTANCE_TAG, type InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { batchesOf } from '../../../../functions/features/instances/create-batches.ts';

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
const idsOf = (batches: { spec: InstanceSpec }[][]) =>
  batches.map((batch) => batch.map((one) => one.spec.instanceId));

test('instances that differ only in ids and launch tokens are put into batches of at most the given size', () => {
  expect(
    idsOf(
      batchesOf(
        [1, 2, 3, 4, 5].map((n) => spec(n)),
        2,
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
  expect(idsOf(batchesOf([spec(1), spec(2, over), spec(3)], 10))).toEqual([['i1', 'i3'], ['i2']]);
});

test('batchesOf returns no batch if it gets no instance', () => expect(batchesOf([], 5)).toEqual([]));
