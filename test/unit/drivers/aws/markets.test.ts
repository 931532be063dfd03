import { afterEach, describe, expect, test } from 'vitest';
import { has, type WantedMarkets } from '../../../../functions/drivers/contract/capabilities.ts';
import type { InstanceSpec } from '../../../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { instanceId, launchToken } from '../../../../functions/model/identifiers.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, DEPLOYMENT, page, refusal } from './canned-ec2.ts';

let ec2: CannedEc2 | undefined;
afterEach(async () => {
  await ec2?.close();
  ec2 = undefined;
});

const RESERVATION = 'cr-0123456789abcdef0';
const reservationPage = (state = 'active') =>
  page(
    'DescribeCapacityReservations',
    `<capacityReservationSet><item><capacityReservationId>${RESERVATION}</capacityReservationId><instanceType>m5.large</instanceType><availabilityZone>us-east-1a</availabilityZone><state>${state}</state></item></capacityReservationSet>`,
  );
const ROLE: Canned = {
  status: 200,
  body: '<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><Path>/</Path><RoleName>AWSServiceRoleForEC2Spot</RoleName><RoleId>AROA</RoleId><Arn>arn:aws:iam::1:role/x</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetRoleResponse>',
};
const iamRefusal = (status: number, code: string): Canned => ({
  status,
  body: `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${code} it is</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
});
const FACTS: Record<string, string> = {
  DescribeInstanceTypeOfferings: ['m5.large', 'm4.large']
    .map((type) => `<item><instanceType>${type}</instanceType><location>us-east-1a</location></item>`)
    .join('')
    .replace(/^(.*)$/, '<instanceTypeOfferingSet>$1</instanceTypeOfferingSet>'),
  DescribeInstanceTypes:
    '<instanceTypeSet><item><instanceType>m5.large</instanceType><processorInfo><supportedArchitectures><item>x86_64</item></supportedArchitectures></processorInfo></item></instanceTypeSet>',
  DescribeImages:
    '<imagesSet><item><imageId>ami-1</imageId><architecture>x86_64</architecture><rootDeviceName>/dev/sda1</rootDeviceName></item></imagesSet>',
  DescribeSubnets:
    '<subnetSet><item><subnetId>subnet-a</subnetId><availabilityZone>us-east-1a</availabilityZone></item></subnetSet>',
};

/** Connects to an EC2 that gives these answers, and otherwise has what a launch needs. */
async function playing(answers: Record<string, Canned> = {}) {
  ec2 = await cannedEc2((call) => {
    const action = call.get('Action') ?? '';
    if (answers[action]) return answers[action];
    if (action === 'GetRole') return ROLE;
    if (action === 'DescribeCapacityReservations') return reservationPage();
    if (action === 'RunInstances')
      return page(action, '<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>');
    return page(action, FACTS[action]);
  });
  return connect(ec2.url);
}

const callsOf = (action: string) => (ec2?.calls ?? []).filter((call) => call.get('Action') === action);

const ID = instanceId({ fleetId: 'f0123456789abcdef', index: 0 });

const specOf = (over: Partial<InstanceSpec>): InstanceSpec => ({
  location: 'us-east-1',
  zone: 'us-east-1a',
  instanceId: ID,
  launchToken: launchToken(ID, 1),
  instanceType: 'm5.large',
  imageBackendId: 'ami-1',
  networkBackendId: 'vpc-1',
  securityGroupBackendIds: ['sg-1'],
  keyPairBackendId: 'key',
  tags: {},
  ...over,
});

describe('a launch in a market', () => {
  test('on demand names no market', async () => {
    const client = await playing();
    await client.createInstance(specOf({}));
    const [run] = callsOf('RunInstances');
    expect([...(run?.keys() ?? [])].filter((key) => /Market|Reservation/.test(key))).toEqual([]);
  });

  test('of spot is a one-time request that ends with its machine, for the highest price of the spec', async () => {
    const client = await playing();
    await client.createInstance(specOf({ market: 'spot' }));
    await client.createInstance(specOf({ market: 'spot', maxUsdPerHour: 0.0000125 }));
    await client.createInstance(specOf({ market: 'spot', maxUsdPerHour: 3 }));
    const runs = callsOf('RunInstances');
    for (const run of runs) {
      expect(run.get('InstanceMarketOptions.MarketType')).toBe('spot');
      expect(run.get('InstanceMarketOptions.SpotOptions.SpotInstanceType')).toBe('one-time');
      expect(run.get('InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior')).toBe('terminate');
    }
    const prices = runs.map((run) => run.get('InstanceMarketOptions.SpotOptions.MaxPrice'));
    expect(prices).toEqual([null, '0.000013', '3']);
  });

  test('of a reservation is in that reservation alone, and reads it once', async () => {
    const client = await playing();
    for (let at = 0; at < 2; at += 1)
      await client.createInstance(specOf({ market: 'reserved', reservationId: RESERVATION }));
    const [run] = callsOf('RunInstances');
    const prefix = 'CapacityReservationSpecification';
    expect(run?.get(`${prefix}.CapacityReservationPreference`)).toBe('capacity-reservations-only');
    expect(run?.get(`${prefix}.CapacityReservationTarget.CapacityReservationId`)).toBe(RESERVATION);
    expect(callsOf('DescribeCapacityReservations')).toHaveLength(1);
  });

  test('of a reservation makes no call with another type or in another zone', async () => {
    const client = await playing();
    const reserved = { market: 'reserved', reservationId: RESERVATION } as const;
    const refusalOf = async (over: Partial<InstanceSpec>) => {
      const error: unknown = await client
        .createInstance(specOf({ ...reserved, ...over }))
        .catch((e: unknown) => e);
      return error instanceof DriverError ? `${error.code} ${error.scope}` : error;
    };
    expect(await refusalOf({ instanceType: 'm4.large' })).toBe('Unsupported launch');
    expect(await refusalOf({ zone: 'us-east-1b' })).toBe('Unsupported zone');
    expect(callsOf('RunInstances')).toEqual([]);
  });
});

describe('the check of markets', () => {
  const SPOT = { markets: ['spot', 'on-demand'] } as const;
  const RESERVED = { markets: ['reserved', 'on-demand'], reservationId: RESERVATION } as const;
  const faultsOf = async (
    wanted: Omit<WantedMarkets, 'instanceTypes'>,
    answers: Record<string, Canned> = {},
  ) => {
    const client = await playing(answers);
    if (!has(client, 'markets')) throw new TypeError('driver aws has no markets');
    return await client.verifyMarkets('us-east-1', { instanceTypes: ['m5.large'], ...wanted });
  };

  test('finds nothing wrong where the role and the reservation exist', async () => {
    expect(await faultsOf(SPOT)).toEqual([]);
    expect(callsOf('GetRole')[0]?.get('RoleName')).toBe('AWSServiceRoleForEC2Spot');
    await ec2?.close();
    expect(await faultsOf(RESERVED)).toEqual([]);
    expect(callsOf('GetRole')).toEqual([]);
  });

  test('names a missing role for spot machines, and the command that makes it', async () => {
    const markets = ['reserved', 'spot'] as const;
    const faults = await faultsOf(
      { markets, reservationId: RESERVATION },
      { GetRole: iamRefusal(404, 'NoSuchEntity') },
    );
    expect(faults).toMatchObject([{ at: 1, code: 'missing-role' }]);
    expect(faults[0]?.message).toContain(
      'aws iam create-service-linked-role --aws-service-name spot.amazonaws.com',
    );
  });

  test('says nothing where the credential may not look', async () => {
    expect(await faultsOf(SPOT, { GetRole: iamRefusal(403, 'AccessDenied') })).toEqual([]);
    await ec2?.close();
    const denied = refusal(403, 'UnauthorizedOperation');
    expect(await faultsOf(RESERVED, { DescribeCapacityReservations: denied })).toEqual([]);
  });

  test.each([
    ['unknown-reservation', refusal(400, 'InvalidCapacityReservationId.NotFound'), ['m5.large']],
    ['unknown-reservation', refusal(400, 'InvalidCapacityReservationId.Malformed'), ['m5.large']],
    ['not-usable', reservationPage('expired'), ['m5.large']],
    ['not-usable', reservationPage(), ['m4.large']],
  ])('tells %s of a reservation', async (code, answer, instanceTypes) => {
    const client = await playing({ DescribeCapacityReservations: answer });
    if (!has(client, 'markets')) throw new TypeError('driver aws has no markets');
    const faults = await client.verifyMarkets('us-east-1', { ...RESERVED, instanceTypes });
    expect(faults).toMatchObject([{ at: 'reservationId', code }]);
  });
});

describe('a spot machine that EC2 takes back', () => {
  const machine = `<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>shutting-down</name></instanceState><spotInstanceRequestId>sir-1</spotInstanceRequestId><stateReason><code>Server.SpotInstanceTermination</code><message>Server.SpotInstanceTermination: Spot instance termination</message></stateReason><tagSet><item><key>fleetwright:deployment</key><value>${DEPLOYMENT}</value></item></tagSet></item></instancesSet></item></reservationSet>`;
  const status =
    '<spotInstanceRequestSet><item><spotInstanceRequestId>sir-1</spotInstanceRequestId><status><code>instance-terminated-no-capacity</code><message>no Spot capacity</message></status></item></spotInstanceRequestSet>';

  test('is told with the words of its spot request, which is read once', async () => {
    const client = await playing({
      DescribeInstances: page('DescribeInstances', machine),
      DescribeSpotInstanceRequests: page('DescribeSpotInstanceRequests', status),
    });
    for (let at = 0; at < 2; at += 1) {
      const [found] = await client.listInstances('us-east-1');
      expect(found).toMatchObject({
        isInterrupted: true,
        failureMessage:
          'Server.SpotInstanceTermination: Spot instance termination (instance-terminated-no-capacity: no Spot capacity)',
      });
    }
    expect(await client.getInstance('us-east-1', 'i-1')).toMatchObject({ isInterrupted: true });
    expect(callsOf('DescribeSpotInstanceRequests')).toHaveLength(1);
  });

  test('is told with the words of its state where the credential may not read spot requests', async () => {
    const client = await playing({
      DescribeInstances: page('DescribeInstances', machine),
      DescribeSpotInstanceRequests: refusal(403, 'UnauthorizedOperation'),
    });
    expect(await client.listInstances('us-east-1')).toMatchObject([
      {
        isInterrupted: true,
        failureMessage: 'Server.SpotInstanceTermination: Spot instance termination',
      },
    ]);
  });
});
