import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { MAX_BATCH } from '../../../../functions/drivers/aws/launch.ts';
import { valuesWith } from '../../../../functions/drivers/aws/launch-filter.ts';
import type { InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { launchListOf, tokenAt } from '../../../../functions/drivers/contract/launch-list.ts';
import { instanceId, launchToken } from '../../../../functions/model/identifiers.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

const FLEET = 'f0123456789abcdef';
const tokenOf = (index: number, attempt = 1) => launchToken(instanceId({ fleetId: FLEET, index }), attempt);
const specOf = (index: number): InstanceSpec => ({
  location: 'us-east-1',
  instanceId: instanceId({ fleetId: FLEET, index }),
  launchToken: tokenOf(index),
  instanceType: 'm5.large',
  imageBackendId: 'ami-1',
  networkBackendId: 'vpc-1',
  securityGroupBackendIds: ['sg-1'],
  keyPairBackendId: 'key',
  tags: { team: 'web' },
});

describe('launchListOf', () => {
  const positions = fc.uniqueArray(fc.tuple(fc.nat(99_999), fc.integer({ min: 1, max: 1_295 })), {
    minLength: 1,
    maxLength: MAX_BATCH,
    selector: ([index]) => index,
  });

  test('one tag contains all launch tokens of a batch in order, and the filter for each token matches the tag', () => {
    fc.assert(
      fc.property(positions, (some) => {
        const tokens = some.map(([index, attempt]) => tokenOf(index, attempt));
        const list = launchListOf(tokens);
        expect(list.length).toBeLessThanOrEqual(256);
        expect(tokens.map((_, at) => tokenAt(list, at))).toEqual(tokens);
        expect(tokenAt(list, tokens.length)).toBeUndefined();
        for (const token of tokens) {
          const [, pattern = ''] = valuesWith(token);
          expect(list).toMatch(new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
        }
      }),
    );
  });

  test("the filter for a token of another attempt or another instance does not match the batch's tag", () => {
    const list = launchListOf([tokenOf(12, 11), tokenOf(3, 2)]);
    for (const other of [tokenOf(12, 1), tokenOf(2, 11), tokenOf(3, 22)]) {
      const [, pattern = ''] = valuesWith(other);
      expect(list).not.toMatch(new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
    }
  });

  test("the launch list of a single machine is the machine's token, and no token is read from a malformed list", () => {
    expect(tokenAt(tokenOf(4), 0)).toBe(tokenOf(4));
    for (const value of ['', 'web', `${FLEET}:`, `${FLEET}:1.1,`]) expect(tokenAt(value, 0)).toBeUndefined();
  });
});

describe('RunInstances', () => {
  let ec2: CannedEc2 | undefined;
  afterEach(async () => {
    await ec2?.close();
    ec2 = undefined;
  });

  const facts: Record<string, string> = {
    DescribeInstanceTypeOfferings:
      '<instanceTypeOfferingSet><item><instanceType>m5.large</instanceType><locationType>availability-zone</locationType><location>us-east-1a</location></item><item><instanceType>m5.large</instanceType><location>us-east-1b</location></item></instanceTypeOfferingSet>',
    DescribeInstanceTypes:
      '<instanceTypeSet><item><instanceType>m5.large</instanceType><processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures></processorInfo></item></instanceTypeSet>',
    DescribeImages:
      '<imagesSet><item><imageId>ami-1</imageId><architecture>x86_64</architecture><rootDeviceName>/dev/sda1</rootDeviceName></item></imagesSet>',
    DescribeSubnets:
      '<subnetSet><item><subnetId>subnet-a</subnetId><availabilityZone>us-east-1a</availabilityZone></item><item><subnetId>subnet-b</subnetId><availabilityZone>us-east-1b</availabilityZone></item><item><subnetId>subnet-c</subnetId><availabilityZone>us-east-1c</availabilityZone></item></subnetSet>',
    CreateTags: '<return>true</return>',
  };

  async function playing(run: (call: URLSearchParams) => Canned) {
    ec2 = await cannedEc2((call) => {
      const action = call.get('Action') ?? '';
      return action === 'RunInstances' ? run(call) : page(action, facts[action]);
    });
    const { calls, url } = ec2;
    return {
      client: connect(url),
      runs: () => calls.filter((call) => call.get('Action') === 'RunInstances'),
    };
  }

  const machines = (call: URLSearchParams): Canned =>
    page(
      'RunInstances',
      `<instancesSet>${Array.from({ length: Number(call.get('MaxCount')) }, (_, at) => at)
        .reverse()
        .map(
          (at) =>
            `<item><instanceId>i-${at}</instanceId><amiLaunchIndex>${at}</amiLaunchIndex><instanceState><name>pending</name></instanceState></item>`,
        )
        .join('')}</instancesSet>`,
    );

  test('two creates with the same token call RunInstances with equal parameters, and all creates use only zones that offer the type', async () => {
    const { client, runs } = await playing(machines);
    for (const index of [1, 1, 2, 3, 4, 5, 6]) await client.createInstance(specOf(index));
    const [first, again, ...others] = runs();
    expect(String(again)).toBe(String(first));
    expect(first?.get('ClientToken')).toMatch(/^[0-9a-f]{64}$/);
    const subnets = runs().map((call) => call.get('NetworkInterface.1.SubnetId'));
    expect(new Set(subnets)).toEqual(new Set(['subnet-a', 'subnet-b']));
    expect(new Set(others.map((call) => call.get('ClientToken'))).size).toBe(others.length);
  });

  test('a launch uses the requested zone, and is refused without a call of RunInstances if the zone does not offer the type', async () => {
    const { client, runs } = await playing(machines);
    await client.createInstance({ ...specOf(1), zone: 'us-east-1b' });
    expect(runs()[0]?.get('NetworkInterface.1.SubnetId')).toBe('subnet-b');
    await expect(client.createInstance({ ...specOf(2), zone: 'us-east-1c' })).rejects.toMatchObject({
      code: 'Unsupported',
      scope: 'zone',
    });
    expect(runs()).toHaveLength(1);
  });

  test('a batch is created by one call, and each machine gets the token at its launch index', async () => {
    const { client, runs } = await playing(machines);
    const specs = [7, 3, 5].map(specOf);
    const outcomes = await client.createInstances(specs);
    expect(outcomes).toMatchObject(
      specs.map(({ instanceId: id, launchToken: token }, at) => ({
        instance: { backendId: `i-${at}`, instanceId: id, launchToken: token },
      })),
    );
    expect(runs()).toHaveLength(1);
    expect(runs()[0]?.get('MinCount')).toBe('3');
  });

  test('if EC2 has no capacity or no quota for a batch, every launch fails with that error, and no further call is made', async () => {
    for (const [cloudCode, code] of [
      ['InsufficientInstanceCapacity', 'InsufficientCapacity'],
      ['VcpuLimitExceeded', 'QuotaExceeded'],
    ] as const) {
      const { client, runs } = await playing(() => refusal(400, cloudCode));
      const outcomes = await client.createInstances([1, 2, 3].map(specOf));
      expect(outcomes).toMatchObject([{ error: { code } }, { error: { code } }, { error: { code } }]);
      expect(runs()).toHaveLength(1);
    }
  });

  test('an error of EC2 about the zone of a launch has the scope of the zone', async () => {
    for (const [cloudCode, code] of [
      ['InsufficientInstanceCapacity', 'InsufficientCapacity'],
      ['InsufficientFreeAddressesInSubnet', 'InsufficientCapacity'],
      ['Unsupported', 'Unsupported'],
      ['InvalidSubnetID.NotFound', 'NotFound'],
    ] as const) {
      const { client } = await playing(() => refusal(400, cloudCode));
      await expect(client.createInstance(specOf(1))).rejects.toMatchObject({ code, scope: 'zone' });
    }
  });

  test('if the answer to RunInstances is lost, every launch of the batch fails as OutcomeUnknown', async () => {
    const { client, runs } = await playing(() => 'hang-up');
    const outcomes = await client.createInstances([1, 2].map(specOf));
    expect(outcomes).toMatchObject([
      { error: { code: 'OutcomeUnknown' } },
      { error: { code: 'OutcomeUnknown' } },
    ]);
    expect(runs()).toHaveLength(1);
  });

  test('the driver repeats RunInstances while EC2 does not yet know the new security group', async () => {
    let asked = 0;
    const { client } = await playing((call) => {
      asked += 1;
      return asked < 3 ? refusal(400, 'InvalidGroup.NotFound') : machines(call);
    });
    expect(await client.createInstance(specOf(1))).toMatchObject({ backendId: 'i-0' });
    expect(asked).toBe(3);
  });
});
