import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { MAX_BATCH } from '../../../../functions/drivers/aws/launch.ts';
import { valuesWith } from '../../../../functions/drivers/aws/launch-filter.ts';
import { TOKEN_TAGS } from '../../../../functions/drivers/aws/tags.ts';
import { has } from '../../../../functions/drivers/contract/capabilities.ts';
import type { InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { launchListsOf, tokenAt } from '../../../../functions/drivers/contract/launch-list.ts';
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

describe('launchListsOf', () => {
  const attempt = fc.integer({ min: 1, max: 1_295 });
  const positions = fc.uniqueArray(fc.nat(99_999), { minLength: 2, maxLength: MAX_BATCH });
  const matches = (pattern: string, text: string) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(text);

  test('two tags contain all launch tokens of a batch in order, and the filter for each token matches one of them', () => {
    fc.assert(
      fc.property(positions, fc.array(attempt, { minLength: 1, maxLength: 9 }), (some, tries) => {
        const last = tries.length - 1;
        const tokens = some.map((index, at) => tokenOf(index, tries[Math.min(last, Math.floor(at / 11))]));
        const lists = launchListsOf(tokens);
        expect(lists.length).toBeLessThanOrEqual(TOKEN_TAGS.length);
        for (const list of lists) expect(list.length).toBeLessThanOrEqual(255);
        expect(tokens.map((_, at) => tokenAt(lists, at))).toEqual(tokens);
        expect(tokenAt(lists, tokens.length)).toBeUndefined();
        for (const token of tokens)
          expect(lists.some((list) => valuesWith(token).some((pattern) => matches(pattern, list)))).toBe(
            true,
          );
      }),
    );
  });

  test('the filter for a token of another fleet or position does not match the tag of a batch', () => {
    const [list = ''] = launchListsOf([tokenOf(12, 11), tokenOf(3, 11)]);
    for (const other of [tokenOf(4_711, 11), launchToken('f0123456789abcdeg-00012', 11)])
      expect(valuesWith(other).some((pattern) => matches(pattern, list))).toBe(false);
  });

  test('launch tokens of several fleets are no batch', () => {
    expect(() => launchListsOf([tokenOf(1), 'f0123456789abcdeg-00001.1'])).toThrow(RangeError);
    expect(() => launchListsOf(['web'])).toThrow(RangeError);
  });

  test("a single machine's tag is its token, and no token is read from a malformed list", () => {
    expect(tokenAt([tokenOf(4)], 0)).toBe(tokenOf(4));
    for (const value of ['', 'web', `${FLEET}:`, `${FLEET}:1:`, `${FLEET}:1:000`, `${FLEET}:1.1,`])
      expect(tokenAt([value], 0)).toBeUndefined();
  });

  test('a list that an earlier release wrote is read, and the filter for its tokens matches it', () => {
    const earlier = `${FLEET}:00012.11,00003.2,`;
    expect([0, 1, 2].map((at) => tokenAt([earlier], at))).toEqual([
      tokenOf(12, 11),
      tokenOf(3, 2),
      undefined,
    ]);
    for (const token of [tokenOf(12, 11), tokenOf(3, 2)])
      expect(valuesWith(token).some((pattern) => matches(pattern, earlier))).toBe(true);
    for (const other of [tokenOf(12, 1), tokenOf(2, 11), tokenOf(3, 22)])
      expect(valuesWith(other).some((pattern) => matches(pattern, earlier))).toBe(false);
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
      calls: (action: string) => calls.filter((call) => call.get('Action') === action),
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
    expect([runs()[0]?.get('MinCount'), runs()[0]?.get('MaxCount')]).toEqual(['1', '3']);
  });

  test('a batch of which EC2 creates some machines binds these, and the others fail for lack of capacity in the zone', async () => {
    const { client, runs } = await playing((call) => {
      call.set('MaxCount', '2');
      return machines(call);
    });
    const outcomes = await client.createInstances([1, 2, 3, 4].map(specOf));
    const error = { code: 'InsufficientCapacity', scope: 'zone', holdsForOne: true };
    expect(outcomes).toMatchObject([
      { instance: { backendId: 'i-0', launchToken: tokenOf(1) } },
      { instance: { backendId: 'i-1', launchToken: tokenOf(2) } },
      { error },
      { error },
    ]);
    expect(runs()).toHaveLength(1);
  });

  test('a refusal for lack of room holds for one machine, and a refusal of too large a call does not', async () => {
    for (const [cloudCode, holdsForOne] of [
      ['InsufficientInstanceCapacity', true],
      ['VcpuLimitExceeded', true],
      ['ResourceCountExceeded', false],
    ] as const) {
      const { client } = await playing(() => refusal(400, cloudCode));
      const [outcome] = await client.createInstances([1, 2].map(specOf));
      expect(outcome).toMatchObject({ error: { holdsForOne } });
    }
  });

  test('a machine of a batch has no name of its own until the driver gives it one', async () => {
    const { client, calls } = await playing(machines);
    const [outcome] = await client.createInstances([1, 2].map(specOf));
    expect(outcome).toMatchObject({ instance: { isUnnamed: true } });
    expect(calls('CreateTags')).toHaveLength(0);
    if (!has(client, 'late-names')) throw new TypeError('the client names no machines');
    const [instanceId, launchToken] = [specOf(1).instanceId, tokenOf(1)];
    await client.nameInstance('us-east-1', { backendId: 'i-0', instanceId, launchToken });
    const [named] = calls('CreateTags');
    expect([named?.get('ResourceId.1'), named?.get('Tag.2.Value')]).toEqual(['i-0', instanceId]);
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
