import { expect, test } from 'vitest';
import { createAwsDriver } from '../../../../functions/drivers/aws/driver.ts';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { callsOf, withKeptKeys } from '../../../../functions/features/instances/keys-of-calls.ts';
import { EC2_PROFILE } from '../../../../functions/model/ec2-limits.ts';
import { instanceId, launchToken } from '../../../../functions/model/identifiers.ts';
import { openGate } from '../../../calls/gates.ts';
import { awsHandler } from '../../../samples/drivers.ts';
import { record } from '../../../samples/records.ts';

const credential = { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' };
const client = createAwsDriver(awsHandler).connect({
  cloud: 'aws',
  credential,
  deploymentId: 'test',
  calls: openGate,
});
const opened = { client, limits: EC2_PROFILE };
const fleetId = 'f0123456789abcdef';

/** Returns a claimed record and the instance's spec for EC2. @param keys idempotency keys that the claim wrote */
function wanted(index: number, keys: string[] = []) {
  const id = instanceId({ fleetId, index });
  const spec: InstanceSpec = {
    location: 'us-east-1',
    instanceId: id,
    launchToken: launchToken(id, 1),
    instanceType: 'm6i.large',
    imageBackendId: 'ami-1',
    networkBackendId: 'vpc-1',
    securityGroupBackendIds: ['sg-1'],
    keyPairBackendId: 'key-1',
    tags: {},
  };
  return { record: record({ instanceId: id, index, idempotencyKeys: keys }), spec };
}

/** The governor has permitted one call for all instances. */
const oneCall = new Map([0, 1, 2].map((index) => [wanted(index).record.instanceId, '1']));

test('equal launches share one create call, in which they are sorted by launch token', () => {
  const tokensOf = (order: number[]) =>
    callsOf(
      opened,
      'us-east-1',
      order.map((index) => wanted(index)),
      oneCall,
    ).map((call) => call.map(({ spec }) => spec.launchToken));
  expect(tokensOf([2, 0, 1])).toEqual(tokensOf([0, 1, 2]));
  expect(tokensOf([0, 1, 2])).toHaveLength(1);
});

test('a create call has at most as many machines as the connection’s limits allow at the location', () => {
  const limits = { ...EC2_PROFILE, machinesPerCall: 2, locations: { 'us-east-1': { machinesPerCall: 1 } } };
  const sizesAt = (location: string) =>
    callsOf(
      { client, limits },
      location,
      [0, 1, 2].map((index) => wanted(index)),
      oneCall,
    ).map(({ length }) => length);
  expect(sizesAt('us-west-2')).toEqual([2, 1]);
  expect(sizesAt('us-east-1')).toEqual([1, 1, 1]);
});

test('a create call is split into one call for each record if the call’s idempotency key is not in the records', () => {
  const all = [0, 1, 2].map((index) => wanted(index));
  const [first = '', ...others] = all.map(({ spec }) => spec.launchToken);
  const key = has(client, 'idempotency-keys') ? client.idempotencyKeyOf([first, ...others]) : undefined;
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  const kept = [0, 1, 2].map((index) => wanted(index, [key ?? '']));
  expect(withKeptKeys(client, [kept])).toEqual([kept]);
  const two = kept.slice(0, 2);
  expect(withKeptKeys(client, [two])).toEqual(two.map((one) => [one]));
});
