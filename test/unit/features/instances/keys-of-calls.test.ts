import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAwsDriver } from '../../../../functions/drivers/aws/driver.ts';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { callsOf, withStoredKeys } from '../../../../functions/features/instances/keys-of-calls.ts';
import { EC2_PROFILE } from '../../../../functions/model/ec2-limits.ts';
import { instanceId, launchToken } from '../../../../functions/model/identifiers.ts';
import { openGate } from '../../../calls/gates.ts';
import { awsHandler } from '../../../samples/drivers.ts';
import { record } from '../../../samples/records.ts';
import { OneFleet } from '../one-fleet/one-fleet.ts';

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

describe('the idempotency key of a call', () => {
  let fleet: OneFleet;
  beforeEach(async () => {
    fleet = await OneFleet.open({ size: 3 });
  });
  afterEach(() => fleet.end());

  const keyOf = (all: readonly { spec: InstanceSpec }[]) => {
    const [first = '', ...others] = all.map(({ spec }) => spec.launchToken);
    return has(client, 'idempotency-keys') ? client.idempotencyKeyOf([first, ...others]) : '';
  };
  const three = () => {
    const key = keyOf([0, 1, 2].map((index) => wanted(index)));
    const all = [0, 1, 2].map((index) => wanted(index, [key]));
    for (const one of all) fleet.putRecord(one.record);
    return all;
  };
  const stored = (index: number) =>
    fleet.items('fleets').find((item) => item['instanceId'] === instanceId({ fleetId, index }))?.[
      'idempotencyKeys'
    ];

  test('is written only once if the claims have stored it', async () => {
    const all = three();
    expect(await withStoredKeys(fleet, client, [all])).toEqual([all]);
  });

  test('is another one if not all launches were claimed, and is stored in the other records before the call', async () => {
    const two = three().slice(0, 2);
    const key = keyOf(two);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    const [call = []] = await withStoredKeys(fleet, client, [two]);
    expect(call.map(({ spec }) => spec)).toEqual(two.map(({ spec }) => spec));
    for (const index of [0, 1]) expect(stored(index)).toContain(key);
    for (const { record: known } of call) expect(known.idempotencyKeys).toContain(key);
    expect(stored(2)).not.toContain(key);
  });

  test('cannot be stored if a record has changed, and each machine then gets a call of its own', async () => {
    const two = three().slice(0, 2);
    const [first] = two;
    if (first) fleet.putRecord({ ...first.record, claimUntilMs: first.record.claimUntilMs + 1 });
    expect(await withStoredKeys(fleet, client, [two])).toEqual(two.map((one) => [one]));
  });
});
