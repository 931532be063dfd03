import type { RootDisk } from '../../../functions/model/disk.ts';
import { StartFailure } from '../../../local/state/start-failure.ts';
import type { ProxiedRequest } from '../../fault-proxy/exchange.ts';
import type { Fault } from '../../fault-proxy/faults.ts';
import { awsDriver } from '../../samples/drivers.ts';
import { MOTO_VERSION, type MotoServer, startMoto } from '../servers/moto.ts';
import { askEc2, countLeft } from '../servers/moto-ec2.ts';
import { makeKeys } from '../servers/moto-kms.ts';
import {
  type CloudUnderTest,
  type Harness,
  HarnessUnavailable,
  type Obstruct,
  type SentMarket,
  type SentOptions,
} from '../suite/harness.ts';
import { rsaPublicKey } from '../suite/public-key.ts';
import { AWS_ERRORS, ec2Answer, stsAnswer } from './aws-errors.ts';

const LOCATION = 'us-east-1';
const SECOND_LOCATION = 'eu-west-1';
/** The smallest page size that EC2 accepts. */
const PAGE_SIZE = 5;

const parametersOf = ({ body }: ProxiedRequest) => new URLSearchParams(body.toString('utf8'));

function callOf(request: ProxiedRequest): string {
  // SSM uses another protocol than EC2 and STS: the action is in a header.
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') return target.slice(target.indexOf('.') + 1);
  const parameters = parametersOf(request);
  const action = parameters.get('Action') ?? '';
  return action === 'DescribeInstances' && parameters.has('InstanceId.1') ? `${action} by id` : action;
}

/** Returns the region that a request was signed for. EC2's client tokens are valid in one region only. */
function regionOf({ headers }: ProxiedRequest): string {
  return /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? '';
}

function withBody(request: ProxiedRequest, change: (parameters: URLSearchParams) => void): ProxiedRequest {
  const parameters = parametersOf(request);
  change(parameters);
  return { ...request, body: Buffer.from(parameters.toString()) };
}

/** Returns the options of the machines in a RunInstances request. The first tag specification is of the instances. */
function optionsOf(request: ProxiedRequest): SentOptions | undefined {
  if (callOf(request) !== 'RunInstances') return undefined;
  const parameters = parametersOf(request);
  const read = (name: string) => parameters.get(name) ?? undefined;
  const tags = [...parameters].flatMap(([name, key]) => {
    const [, at] = /^TagSpecification\.1\.Tag\.(\d+)\.Key$/.exec(name) ?? [];
    return at === undefined ? [] : [[key, read(`TagSpecification.1.Tag.${at}.Value`) ?? ''] as const];
  });
  const hopLimit = read('MetadataOptions.HttpPutResponseHopLimit');
  return {
    tags: Object.fromEntries(tags),
    identity: read('IamInstanceProfile.Arn') ?? read('IamInstanceProfile.Name'),
    placementGroup: read('Placement.GroupName'),
    tokens: read('MetadataOptions.HttpTokens'),
    hopLimit: hopLimit === undefined ? undefined : Number(hopLimit),
  };
}

/**
 * Lowers the page size of a list of machines. moto accepts the changed body, because it checks no signature.
 */
function smallPages(request: ProxiedRequest): ProxiedRequest {
  if (!parametersOf(request).has('MaxResults') || callOf(request) !== 'DescribeInstances') return request;
  return withBody(request, (parameters) => parameters.set('MaxResults', String(PAGE_SIZE)));
}

/** Asks moto for all machines of a call. moto makes `MinCount` machines, where EC2 makes up to `MaxCount`. */
function allMachines(request: ProxiedRequest): ProxiedRequest {
  if (callOf(request) !== 'RunInstances') return request;
  return withBody(request, (parameters) => parameters.set('MinCount', parameters.get('MaxCount') ?? '1'));
}

const idIn = (text: string, name: string): string => new RegExp(`<${name}>([^<]+)`).exec(text)?.[1] ?? '';

/** Sets termination protection. */
const protectAt =
  (url: string): Obstruct =>
  async ({ location, backendId: InstanceId }) => {
    const set = (value: boolean) =>
      askEc2(url, location, {
        Action: 'ModifyInstanceAttribute',
        InstanceId,
        'DisableApiTermination.Value': String(value),
      });
    await set(true);
    return { words: 'disableApiTermination', lift: async () => void (await set(false)) };
  };

/** Makes a network interface in a subnet of the VPC. */
const occupyAt =
  (url: string): Obstruct =>
  async ({ location, backendId }) => {
    const ofVpc = { 'Filter.1.Name': 'vpc-id', 'Filter.1.Value.1': backendId };
    const SubnetId = idIn(await askEc2(url, location, { Action: 'DescribeSubnets', ...ofVpc }), 'subnetId');
    const made = await askEc2(url, location, { Action: 'CreateNetworkInterface', SubnetId });
    const NetworkInterfaceId = idIn(made, 'networkInterfaceId');
    return {
      words: NetworkInterfaceId,
      lift: async () =>
        void (await askEc2(url, location, { Action: 'DeleteNetworkInterface', NetworkInterfaceId })),
    };
  };

/** Returns the disks that a RunInstances request asks for. */
function disksOf(request: ProxiedRequest): Partial<RootDisk>[] | undefined {
  if (callOf(request) !== 'RunInstances') return undefined;
  const parameters = parametersOf(request);
  const count = [...parameters.keys()].filter((key) => key.endsWith('.DeviceName')).length;
  return Array.from({ length: count }, (_, at) => {
    const field = (name: string) => parameters.get(`BlockDeviceMapping.${at + 1}.Ebs.${name}`);
    const [iops, throughputMbps, encrypted, encryptionKeyId] = [
      field('Iops'),
      field('Throughput'),
      field('Encrypted'),
      field('KmsKeyId'),
    ];
    return {
      ...(iops === null ? {} : { iops: Number(iops) }),
      ...(throughputMbps === null ? {} : { throughputMbps: Number(throughputMbps) }),
      ...(encrypted === null ? {} : { encrypted: encrypted === 'true' }),
      ...(encryptionKeyId === null ? {} : { encryptionKeyId }),
    };
  });
}

/** Makes the instance profile that a machine may get. moto refuses machines with an unknown profile. */
async function makeProfile(url: string): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=AKIDSUITE/20260101/us-east-1/iam/aws4_request',
    },
    body: new URLSearchParams({
      Action: 'CreateInstanceProfile',
      Version: '2010-05-08',
      InstanceProfileName: 'suite',
    }),
  });
  if (!answer.ok)
    throw new Error(`moto answered ${answer.status} to CreateInstanceProfile: ${await answer.text()}`);
}

async function rulesOf(url: string, id: string): Promise<string[]> {
  const text = await askEc2(url, LOCATION, {
    Action: 'DescribeSecurityGroupRules',
    'Filter.1.Name': 'group-id',
    'Filter.1.Value.1': id,
  });
  const items = [...text.matchAll(/<item>(.*?)<\/item>/gs)].map(([, item = '']) => item);
  return items.flatMap((item) => {
    const of = (name: string) => new RegExp(`<${name}>([^<]+)`).exec(item)?.[1] ?? '';
    if (of('isEgress') === 'true') return [];
    const protocol = of('ipProtocol').replace(/^icmpv6$/, 'icmp');
    const ports = protocol === 'icmp' ? [] : [`${of('fromPort')}-${of('toPort')}`];
    const group = /<referencedGroupInfo>.*?<groupId>([^<]+)/s.exec(item)?.[1];
    return [[protocol, ...ports, group ?? (of('cidrIpv6') || of('cidrIpv4'))].join(' ')];
  });
}

function marketOf(request: ProxiedRequest): SentMarket {
  const parameters = parametersOf(request);
  const price = parameters.get('InstanceMarketOptions.SpotOptions.MaxPrice');
  const reservation = 'CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId';
  const reservationId = parameters.get(reservation);
  return {
    ...(parameters.get('InstanceMarketOptions.MarketType') === 'spot' ? { market: 'spot' } : {}),
    ...(price === null ? {} : { maxUsdPerHour: Number(price) }),
    ...(reservationId === null ? {} : { market: 'reserved', reservationId }),
  };
}

/** EC2's words for a spot machine that it takes back, from the documentation of the structure StateReason. */
const TAKEN_BACK =
  '<stateReason><code>Server.SpotInstanceTermination</code><message>Server.SpotInstanceTermination: A Spot Instance was terminated</message></stateReason>';

const withInterruption = (body: string): string =>
  body
    .replaceAll(/<stateReason>[\s\S]*?<\/stateReason>|<stateReason\s*\/>/g, '')
    .replaceAll(
      /<instanceState>\s*<code>16<\/code>\s*<name>running<\/name>\s*<\/instanceState>/g,
      `<instanceState><code>32</code><name>shutting-down</name></instanceState>${TAKEN_BACK}`,
    );

const GROUP_IN_USE: Fault = {
  call: 'DeleteSecurityGroup',
  kind: 'answer',
  answer: ec2Answer(400, 'DependencyViolation', 'resource has a dependent object'),
};

async function startedMoto(): Promise<MotoServer> {
  try {
    return await startMoto();
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    throw new HarnessUnavailable(`${error.message}\n${error.next}`, { cause: error });
  }
}

async function start(): Promise<CloudUnderTest> {
  const moto = await startedMoto();
  await makeProfile(moto.url);
  await makeKeys(moto.url, LOCATION);
  const notYours = 'AWS was not able to validate the provided access credentials';
  return {
    server: 'moto',
    serverVersion: MOTO_VERSION,
    cloud: 'aws',
    upstreams: { aws: moto.url },
    endpoint: (urlOf) => urlOf('aws'),
    dialect: {
      callOf,
      throttled: ec2Answer(503, 'RequestLimitExceeded', 'Request limit exceeded.'),
      tokens: {
        tokenOf(request) {
          const token = parametersOf(request).get('ClientToken');
          return token === null || callOf(request) !== 'RunInstances'
            ? undefined
            : `${regionOf(request)} ${token}`;
        },
        withoutToken: (request) => withBody(request, (parameters) => parameters.delete('ClientToken')),
      },
      rewrite: (request) => allMachines(smallPages(request)),
    },
    // For moto, a second request with the same client token is a new request.
    idempotency: 'proxy',
    calls: {
      verify: 'GetCallerIdentity',
      list: 'DescribeInstances',
      create: 'RunInstances',
      // The driver needs no call after RunInstances, which sets all properties of a machine.
      afterCreate: [],
      get: 'DescribeInstances by id',
      terminate: 'TerminateInstances',
      ensureNetwork: 'CreateVpc',
    },
    credential: { accessKeyId: 'AKIDSUITE', secretAccessKey: 'secret-of-the-suite' },
    wrongCredential: { accessKeyId: 'AKIDSTRANGER', secretAccessKey: 'secret-of-a-stranger' },
    location: LOCATION,
    secondLocation: SECOND_LOCATION,
    unknownLocation: 'mars-west-1',
    zone: 'us-east-1b',
    instanceType: 'm5.large',
    image: 'al2023',
    async imageOfOtherArchitecture(client) {
      const images = await client.listImages(LOCATION);
      return images.find(({ name }) => name === 'al2023-arm64')?.backendId ?? '';
    },
    unknownImageBackendId: 'ami-0123456789abcdef0',
    unknownBackendId: 'i-0123456789abcdef0',
    publicKey: rsaPublicKey(),
    moreThanAPage: PAGE_SIZE + 2,
    consistencyWindowMs: 50,
    timeLimitMs: 15_000,
    errors: AWS_ERRORS,
    emulate: {
      // moto checks credentials only if users and policies are defined first.
      'credential.wrong': [
        {
          call: 'GetCallerIdentity',
          kind: 'answer',
          answer: stsAnswer(403, 'InvalidClientTokenId', notYours),
        },
        { call: '*', kind: 'answer', answer: ec2Answer(401, 'AuthFailure', notYours) },
      ],
      // moto deletes security groups even if machines use them.
      'networks.in-use': [GROUP_IN_USE],
      'create.security-groups': [GROUP_IN_USE],
      // moto answers a dry run before it looks at the profile. EC2's words, from the launch with an unknown profile.
      'machine-checks.identity': [
        {
          call: 'RunInstances',
          kind: 'answer',
          answer: ec2Answer(
            400,
            'InvalidParameterValue',
            'Value (no-such-profile) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name',
          ),
        },
      ],
      // moto has no placement groups.
      'machine-checks.placement-group': [
        {
          call: 'DescribePlacementGroups',
          kind: 'answer',
          answer: ec2Answer(400, 'InvalidPlacementGroup.Unknown', 'The Placement Group is unknown.'),
        },
      ],
      // moto has no capacity reservations.
      'markets.unknown-reservation': [
        {
          call: 'DescribeCapacityReservations',
          kind: 'answer',
          answer: ec2Answer(400, 'InvalidCapacityReservationId.NotFound', 'there is no such reservation'),
        },
      ],
    },
    withoutAddresses: (body) => body.replaceAll(/<(privateIpAddress|ipAddress)>[^<]*<\/\1>/g, ''),
    userDataOf(request) {
      const encoded = parametersOf(request).get('UserData');
      return encoded === null ? undefined : Buffer.from(encoded, 'base64');
    },
    identity: 'arn:aws:iam::123456789012:instance-profile/suite',
    unknownIdentity: 'no-such-profile',
    placementGroup: 'suite',
    // moto lists the default quotas alone, and not those that apply to an account.
    lacks: ['quotas'],
    optionsOf,
    disksOf,
    diskType: 'gp2',
    encryptionKeyId: 'alias/fleets',
    refusedKeys: [
      { id: 'alias/no-such-key', code: 'unknown-encryption-key' },
      { id: 'alias/disabled', code: 'not-usable' },
      { id: 'alias/signs', code: 'not-usable' },
      {
        id: `arn:aws:kms:${SECOND_LOCATION}:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
        code: 'other-location',
      },
    ],
    unknownVolumeBackendId: 'vol-0123456789abcdef0',
    marketOf,
    withInterruption,
    unknownReservationId: 'cr-0123456789abcdef0',
    protect: protectAt(moto.url),
    occupy: occupyAt(moto.url),
    rulesOf: (id) => rulesOf(moto.url, id),
    async reset() {
      await moto.reset();
      await makeProfile(moto.url);
      await makeKeys(moto.url, LOCATION);
    },
    countLeft: () => countLeft(moto.url, [LOCATION, SECOND_LOCATION]),
    stop: () => moto.stop(),
  };
}

export const awsHarness: Harness = { driver: awsDriver, start };
