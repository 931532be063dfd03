import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { CloudClient } from '../../../functions/drivers/contract/driver.ts';
import type { ProxiedRequest } from '../../fault-proxy/exchange.ts';
import type { Fault } from '../../fault-proxy/faults.ts';
import { cbSpiderDriver } from '../../samples/drivers.ts';
import { pricesOf } from '../servers/spider-double/catalogue.ts';
import { startSpiderDouble } from '../servers/spider-double/server.ts';
import {
  type CloudUnderTest,
  type Harness,
  HarnessUnavailable,
  refusedByProxy,
  type UsersNetwork,
} from '../suite/harness.ts';
import { DEPLOYMENT } from '../suite/lab.ts';
import { ERRORS, refusal, THROTTLED } from './cb-spider-errors.ts';

const LOCATION = 'mercury';
const KINDS = ['vm', 'vpc', 'securitygroup', 'keypair'];
/** Durations of the test double's operations, in ms. A real CB-Spider needs minutes. */
const PACE = { prepareMs: 50, startMs: 150, terminateMs: 50 };

interface Server {
  server: string;
  serverVersion: string;
  url: string;
  username: string;
  password: string;
  emulate?: Readonly<Record<string, readonly Fault[]>>;
  reset(): void;
  stop(): Promise<void>;
}

/**
 * Fault that refuses an image of another architecture, because neither the mock driver nor the double checks
 * the architecture.
 */
const OTHER_ARCHITECTURE: Fault = {
  call: 'create',
  kind: 'answer',
  answer: refusal("InvalidParameterValue: The architecture 'x86_64' of the type does not match the AMI's"),
};

const inUse = (call: string): Fault => ({
  call,
  kind: 'answer',
  answer: refusal('DependencyViolation: resource has a dependent object'),
});

/**
 * Answers of a real cloud that CB-Spider's mock driver does not give. The fault proxy gives them. For
 * instance, the mock driver has prices only for instance types that it does not offer.
 */
const BY_PROXY = {
  // The mock driver tells no architectures of types. Words of EC2's driver.
  'machine-checks.other-architecture': [
    {
      call: 'get-vmspec',
      kind: 'edit',
      edit: (body) =>
        JSON.stringify({
          ...z.record(z.string(), z.unknown()).parse(JSON.parse(body)),
          KeyValueList: [{ Key: 'ProcessorInfo', Value: '{SupportedArchitectures:[x86_64]}' }],
        }),
    },
  ],
  'errors.other-architecture': [OTHER_ARCHITECTURE],
  'networks.in-use': ['delete-securitygroup', 'delete-vpc'].map(inUse),
  'create.security-groups': [inUse('delete-securitygroup')],
  'offers.prices': [
    { call: 'prices', kind: 'answer', answer: { status: 200, body: JSON.stringify(pricesOf(LOCATION)) } },
  ],
} as const satisfies Record<string, readonly Fault[]>;

/** Answers of EC2 behind CB-Spider. The mock driver protects no machine. */
const PROTECTED =
  "OperationNotPermitted: The instance may not be terminated. Modify its 'disableApiTermination' instance attribute";
const OCCUPIED = 'DependencyViolation: The vpc has dependencies and cannot be deleted: eni-0a1b2c3d';

function callOf({ method, path }: ProxiedRequest): string {
  const [, , kind = '', name] = new URL(path, 'http://spider').pathname.split('/');
  switch (`${method} ${kind}`) {
    case 'GET preconfig':
      return name === 'regionzone' && path.split('/').length > 4 ? 'location' : 'verify';
    case 'GET vmstatus':
      return name === undefined ? 'list' : 'get';
    case 'GET priceinfo':
      return 'prices';
    case 'POST vm':
      return 'create';
    case 'POST vpc':
      return name === undefined ? 'ensure-network' : 'add-subnet';
    case 'DELETE vm':
      return 'terminate';
    default:
      return `${method.toLowerCase()}-${kind}`;
  }
}

/**
 * Returns the CB-Spider server of the variable `SPIDER_URL`. If the variable is not set, starts the double.
 */
async function findServer(): Promise<Server> {
  const url = process.env['SPIDER_URL'];
  if (url === undefined || url === '') return await startDouble();
  const username = process.env['SPIDER_USERNAME'];
  const password = process.env['SPIDER_PASSWORD'];
  if (!username || !password) {
    throw new HarnessUnavailable(
      'SPIDER_URL is set: set SPIDER_USERNAME and SPIDER_PASSWORD as well, or unset SPIDER_URL to use the double',
    );
  }
  const address = url.replace(/\/+(spider\/*)?$/, '');
  const version = await fetch(`${address}/spider/version`).catch((cause: unknown) => {
    throw new HarnessUnavailable(
      `no CB-Spider answers at ${address}: start it, or unset SPIDER_URL to use the double`,
      {
        cause,
      },
    );
  });
  const { Version } = z.object({ Version: z.string() }).parse(await version.json());
  return {
    server: 'CB-Spider with its mock driver',
    serverVersion: Version.replace('CB-Spider', '').trim() || 'unknown',
    url: address,
    username,
    password,
    emulate: BY_PROXY,
    reset: () => undefined,
    stop: async () => undefined,
  };
}

async function startDouble(): Promise<Server> {
  const account = { username: 'suite', password: 'password-of-the-double' };
  const double = await startSpiderDouble({ ...account, pace: PACE });
  return {
    server: 'spider-double',
    serverVersion: 'after CB-Spider 6459f464',
    url: double.url,
    ...account,
    emulate: {
      'errors.other-architecture': [OTHER_ARCHITECTURE],
      'machine-checks.other-architecture': BY_PROXY['machine-checks.other-architecture'],
    },
    reset: double.reset,
    stop: double.close,
  };
}

const iids = z
  .array(z.object({ SystemId: z.string() }))
  .nullish()
  .transform((list) => list ?? []);
const allSchema = z.union([
  z
    .object({ AllList: z.object({ MappedList: iids, OnlyCSPList: iids }) })
    .transform(({ AllList }) => [...AllList.MappedList, ...AllList.OnlyCSPList]),
  z
    .object({
      AllListInfo: z.object({
        MappedInfoList: z.array(z.unknown()).nullable(),
        OnlyCSPInfoList: z.array(z.unknown()).nullable(),
      }),
    })
    .transform(({ AllListInfo }) => [
      ...(AllListInfo.MappedInfoList ?? []),
      ...(AllListInfo.OnlyCSPInfoList ?? []),
    ]),
]);

/** Returns a function that calls CB-Spider, with POST if there is a body. */
function asking({ url, username, password }: Server) {
  const headers = {
    authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  return async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/spider/${path}`, {
      headers,
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
    });
    return await response.json();
  };
}

const configsSchema = z.object({ connectionconfig: z.array(z.object({ ConfigName: z.string() })) });
const groupSchema = z.object({
  SecurityRules: z.array(
    z.object({
      Direction: z.string(),
      IPProtocol: z.string(),
      FromPort: z.string(),
      ToPort: z.string(),
      CIDR: z.string(),
    }),
  ),
});

/** Reads the inbound rules of a security group under whichever connection config of CB-Spider has the name. */
async function rulesOf(server: Server, name: string): Promise<string[]> {
  const ask = asking(server);
  const { connectionconfig } = configsSchema.parse(await ask('connectionconfig'));
  for (const { ConfigName } of connectionconfig) {
    const group = groupSchema.safeParse(await ask(`securitygroup/${name}?ConnectionName=${ConfigName}`)).data;
    if (!group) continue;
    return group.SecurityRules.flatMap(({ Direction, IPProtocol, FromPort, ToPort, CIDR }) => {
      if (Direction.toLowerCase() !== 'inbound') return [];
      const protocol = IPProtocol.toLowerCase();
      return [[protocol, ...(protocol === 'icmp' ? [] : [`${FromPort}-${ToPort}`]), CIDR].join(' ')];
    });
  }
  throw new Error(`CB-Spider has no security group ${name}`);
}

/** Counts all resources of the mock account `mockName`, through a separate connection config of CB-Spider. */
async function countAll(server: Server, mockName: string): Promise<number> {
  const ask = asking(server);
  const name = `count.${mockName}`;
  const ProviderName = 'MOCK';
  await ask('driver', { DriverName: name, ProviderName, DriverLibFileName: 'mock-driver-v1.0.so' });
  const KeyValueInfoList = [{ Key: 'MockName', Value: mockName }];
  await ask('credential', { CredentialName: name, ProviderName, KeyValueInfoList });
  const region = [{ Key: 'Region', Value: LOCATION }];
  await ask('region', { RegionName: name, ProviderName, KeyValueInfoList: region, AvailableZoneList: [] });
  const config = { ConfigName: name, ProviderName, DriverName: name, CredentialName: name, RegionName: name };
  await ask('connectionconfig', config);
  const lists = await Promise.all(
    KINDS.map(async (kind) => {
      const path = kind === 'vm' ? 'allvminfo' : `all${kind}`;
      return allSchema.parse(await ask(`${path}?ConnectionName=${name}`)).length;
    }),
  );
  return lists.reduce((sum, count) => sum + count, 0);
}

/**
 * Registers a network and a security group at the connection config of the suite's client, which sees no others. The
 * client registers that config.
 */
async function makeUsersNetwork(
  { url, username, password }: Server,
  client: CloudClient,
  location: string,
  name: string,
): Promise<UsersNetwork> {
  await client.listNetworkResources(location, 'network');
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const ConnectionName = `fw.${DEPLOYMENT}.contract.suite.${location}`;
  const ask = async (method: 'POST' | 'DELETE', path: string, ReqInfo?: object) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const made = ReqInfo ? { IDTransformMode: 'ON', ReqInfo } : {};
    const body = JSON.stringify({ ConnectionName, ...made });
    const response = await fetch(`${url}/spider/${path}`, { method, headers, body });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
  };
  const [network, subnet, group] = [`users-${name}`, `subnet-${name}`, `group-${name}`];
  await ask('POST', 'vpc', {
    Name: network,
    IPv4_CIDR: '10.50.0.0/16',
    SubnetInfoList: [{ Name: subnet, IPv4_CIDR: '10.50.0.0/17' }],
  });
  await ask('POST', 'securitygroup', { Name: group, VPCName: network, SecurityRules: [] });
  return {
    given: { networkId: network, subnetIds: [subnet], securityGroupIds: [group] },
    remove: async () => {
      await ask('DELETE', `securitygroup/${group}`);
      await ask('DELETE', `vpc/${network}`);
    },
  };
}

async function start(): Promise<CloudUnderTest> {
  const found = await findServer();
  const { server, serverVersion, username, password, emulate } = found;
  const MockName = `suite-${randomBytes(4).toString('hex')}`;
  return {
    server,
    serverVersion,
    cloud: 'mock',
    upstreams: { spider: found.url },
    endpoint: (urlOf) => urlOf('spider'),
    dialect: { callOf, throttled: THROTTLED },
    idempotency: 'server',
    calls: {
      verify: 'verify',
      list: 'list',
      create: 'create',
      afterCreate: [],
      get: 'get',
      terminate: 'terminate',
      ensureNetwork: 'ensure-network',
    },
    credential: { username, password, MockName },
    wrongCredential: { username, password: `${password}-wrong`, MockName },
    location: LOCATION,
    secondLocation: 'venus',
    unknownLocation: 'pluto',
    zone: 'mercury-z3',
    instanceType: 'mock-vmspec-01',
    image: 'mock-vmimage-01',
    async imageOfOtherArchitecture(client) {
      const images = await client.listImages(LOCATION);
      return images.find(({ architectures }) => architectures.includes('arm64'))?.backendId ?? '';
    },
    unknownImageBackendId: 'mock-vmimage-99',
    unknownBackendId: 'fw000000123456789abcdef0000001',
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7 contract',
    makeUsersNetwork: (client, location, name) => makeUsersNetwork(found, client, location, name),
    moreThanAPage: 12,
    pages: false,
    consistencyWindowMs: 50,
    timeLimitMs: 15_000,
    errors: ERRORS,
    withoutAddresses: (body) => body.replaceAll(/"(PublicIP|PrivateIP)": ?"[^"]*"/g, '"$1":""'),
    ...(emulate ? { emulate } : {}),
    protect: refusedByProxy('terminate', refusal(PROTECTED), PROTECTED),
    occupy: refusedByProxy('delete-vpc', refusal(OCCUPIED), 'eni-0a1b2c3d'),
    rulesOf: (name) => rulesOf(found, name),
    reset: async () => found.reset(),
    countLeft: () => countAll(found, MockName),
    stop: found.stop,
  };
}

export const cbSpiderHarness: Harness = { driver: cbSpiderDriver, start };
