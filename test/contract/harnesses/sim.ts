import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { readBooks } from '../../../local/sim/engine/books.ts';
import { loadSimConfig, parseSimConfig, type SimConfig } from '../../../local/sim/engine/config.ts';
import { startSimServer } from '../../../local/sim/serve.ts';
import type { ProxiedRequest } from '../../fault-proxy/exchange.ts';
import { simDriver } from '../../samples/drivers.ts';
import {
  type CloudUnderTest,
  type ErrorRow,
  type Harness,
  refusedByProxy,
  type SentMarket,
  type SentOptions,
} from '../suite/harness.ts';
import { RATE_HEADERS, RATE_WORDS } from '../suite/rate-words.ts';

/** Age, in ms, of the state that lists show. A client that relies on a list too early fails the suite. */
const LIST_DELAY_MS = 300;
const PAGE_SIZE = 5;
const LOCATION = 'us-east-1';
const SECRET = 'sim-secret-of-the-suite';

/**
 * Returns the configuration of the default clouds with short times, and with rates that the suite never
 * exceeds.
 */
function config(): SimConfig {
  const rate = { perSecond: 1_000, burst: 1_000 };
  const quick = {
    submitMs: [20, 60],
    bootSeconds: [0.2, 0.4],
    terminateSeconds: [0.2, 0.3],
    powerSeconds: [0.3, 0.4],
    listDelayMs: LIST_DELAY_MS,
    rates: { create: rate, list: rate, mutate: rate },
    identities: ['suite'],
    placementGroups: ['suite'],
    encryptionKeys: ['alias/fleets', { id: 'alias/disabled', state: 'disabled' }],
    instancesPerCall: 100,
  };
  const accounts = { suite: { apiKey: SECRET } };
  return parseSimConfig({ pageSize: PAGE_SIZE, accounts, clouds: { aws: quick } }, loadSimConfig());
}

const diskSchema = z.object({
  iops: z.number().exactOptional(),
  throughputMbps: z.number().exactOptional(),
  encrypted: z.boolean().exactOptional(),
  encryptionKeyId: z.string().exactOptional(),
});
const createSchema = z.object({
  launchToken: z.string().optional(),
  userData: z.string().optional(),
  userDataBase64: z.string().optional(),
  rootDisk: diskSchema.optional(),
  dataDisks: z.array(diskSchema).optional(),
  tags: z.record(z.string(), z.string()),
  identity: z.string().optional(),
  placementGroup: z.string().optional(),
  metadataOptions: z.object({ tokens: z.string().optional(), hopLimit: z.number().optional() }).optional(),
  market: z.enum(['spot', 'reserved']).exactOptional(),
  reservationId: z.string().exactOptional(),
  maxUsdPerHour: z.number().exactOptional(),
});

function userDataOf(request: ProxiedRequest): Buffer | undefined {
  const { userData, userDataBase64 } = createdBy(request) ?? {};
  if (userDataBase64 !== undefined) return Buffer.from(userDataBase64, 'base64');
  return userData === undefined ? undefined : Buffer.from(userData);
}

function marketOf(request: ProxiedRequest): SentMarket {
  const { market, reservationId, maxUsdPerHour } = createdBy(request) ?? {};
  return {
    ...(market === undefined ? {} : { market }),
    ...(reservationId === undefined ? {} : { reservationId }),
    ...(maxUsdPerHour === undefined ? {} : { maxUsdPerHour }),
  };
}

/** The words and the fields of the simulated clouds for a spot instance that is taken back. */
const INTERRUPTED =
  '"status":"Terminating","failureMessage":"the cloud took the spot instance back","interrupted":true';

function optionsOf(request: ProxiedRequest): SentOptions | undefined {
  const created = createdBy(request);
  return created && { ...created, ...created.metadataOptions };
}

const createRequestSchema = z.union([
  z.object({ instances: z.tuple([createSchema], createSchema) }).transform(({ instances: [first] }) => first),
  createSchema,
]);

/**
 * Returns what a create request asks for, or undefined for any other request. The first of several machines stands for
 * all, because they are alike.
 */
function createdBy(request: ProxiedRequest) {
  if (callOf(request) !== 'create') return undefined;
  return createRequestSchema.parse(JSON.parse(request.body.toString('utf8')));
}

function callOf({ method, path }: ProxiedRequest): string {
  const [, , , what = '', , kind = '', id, verb] = new URL(path, 'http://sim').pathname.split('/');
  if (kind === '') return what === 'account' ? 'verify' : `list-${what}`;
  if (kind !== 'instances') return `${method === 'POST' ? 'ensure' : method.toLowerCase()}-${kind}`;
  if (verb !== undefined) return verb;
  if (method === 'POST' && id === 'terminate') return 'terminate';
  if (method === 'POST') return 'create';
  if (method === 'DELETE') return 'terminate';
  return id === undefined ? 'list' : 'get';
}

function row(
  name: string,
  status: number,
  code: ErrorRow['code'],
  call: string,
  over: Partial<ErrorRow> = {},
): ErrorRow {
  const words = `the cloud's own words about ${name}`;
  const body = JSON.stringify({ code: name, message: words });
  return { name, call, code, words, answer: { status, body }, ...over };
}

const THROTTLED = {
  status: 429,
  headers: RATE_HEADERS,
  body: JSON.stringify({ code: 'RateLimited', message: 'too many calls' }),
};

const INSTANCES = 'the quota of us-east-1 is 20 instances';

const ERRORS: readonly ErrorRow[] = [
  row('InvalidParameter', 400, 'InvalidRequest', 'create'),
  row('LaunchTokenUsed', 400, 'OutcomeUnknown', 'create'),
  row('InvalidCredentials', 401, 'Unauthorized', 'verify'),
  row('AccountRevoked', 403, 'Unauthorized', 'list'),
  row('MissingRight', 403, 'Forbidden', 'create', { namesCall: 'POST instances' }),
  row('AccessDenied', 403, 'Forbidden', 'list'),
  row('QuotaExceeded', 403, 'QuotaExceeded', 'create'),
  row('QuotaExceeded', 403, 'QuotaExceeded', 'ensure-networks', { quota: { of: 'networks' } }),
  row('QuotaExceeded', 403, 'QuotaExceeded', 'create', {
    words: INSTANCES,
    quota: { of: 'instances', limit: 20 },
    answer: { status: 403, body: JSON.stringify({ code: 'QuotaExceeded', message: INSTANCES }) },
  }),
  row('UnknownCloud', 404, 'InvalidRequest', 'list'),
  row('UnknownLocation', 404, 'InvalidRequest', 'list'),
  row('NotFound', 404, 'NotFound', 'get'),
  row('ResourceInUse', 409, 'Conflict', 'ensure-networks'),
  row('IncorrectState', 409, 'Conflict', 'terminate'),
  row('TooManyInstances', 400, 'QuotaExceeded', 'create'),
  row('InsufficientCapacity', 409, 'InsufficientCapacity', 'create'),
  row('RateLimited', 429, 'Throttled', 'create', {
    answer: THROTTLED,
    words: 'too many calls',
    ...RATE_WORDS,
  }),
  row('TooManyPendingInstances', 429, 'Throttled', 'create'),
  row('TooManyPendingLocations', 429, 'Throttled', 'create'),
  row('LocationUnavailable', 503, 'Unavailable', 'create'),
  row('InternalError', 500, 'OutcomeUnknown', 'create'),
  row('InternalError', 500, 'Unavailable', 'list'),
];

/** The simulated clouds protect no machine, and know no foreign resources. */
const PROTECTED = 'the machine is protected from termination';
const OCCUPIED = 'the network is in use by load-balancer-1';

const refusal = (code: string, message: string) => ({ status: 409, body: JSON.stringify({ code, message }) });

async function start(): Promise<CloudUnderTest> {
  const server = await startSimServer({ config: config(), port: 0, seed: 7 });
  const { engine, url } = server;
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')));
  return {
    server: 'simulated clouds',
    serverVersion: version,
    cloud: 'aws',
    upstreams: { clouds: url },
    endpoint: (urlOf) => urlOf('clouds'),
    dialect: { callOf, throttled: THROTTLED },
    idempotency: 'server',
    calls: {
      verify: 'verify',
      list: 'list',
      create: 'create',
      afterCreate: [],
      get: 'get',
      terminate: 'terminate',
      ensureNetwork: 'ensure-networks',
    },
    credential: { account: 'suite', apiKey: SECRET },
    wrongCredential: { account: 'suite', apiKey: 'another-secret-of-the-suite' },
    location: LOCATION,
    secondLocation: 'eu-west-1',
    unknownLocation: 'mars-1',
    zone: 'us-east-1b',
    instanceType: 'm6i.large',
    image: 'ubuntu-24.04',
    async imageOfOtherArchitecture(client) {
      const images = await client.listImages(LOCATION);
      return images.find(({ name }) => name === 'debian-12-arm64')?.backendId ?? '';
    },
    unknownImageBackendId: 'ami-0123456789abcdef0',
    unknownBackendId: 'i-0123456789abcdef0',
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7 contract',
    moreThanAPage: PAGE_SIZE + 2,
    consistencyWindowMs: LIST_DELAY_MS + 150,
    timeLimitMs: 10_000,
    errors: ERRORS,
    withoutAddresses: (body) => body.replaceAll(/,"(publicIp|privateIp)":"[^"]*"/g, ''),
    userDataOf,
    identity: 'suite',
    unknownIdentity: 'no-such-identity',
    placementGroup: 'suite',
    optionsOf,
    marketOf,
    withInterruption: (body) => body.replaceAll('"status":"Running"', INTERRUPTED),
    unknownReservationId: 'cr-0123456789abcdef0',
    protect: refusedByProxy('terminate', refusal('IncorrectState', PROTECTED), PROTECTED),
    occupy: refusedByProxy('delete-networks', refusal('ResourceInUse', OCCUPIED), OCCUPIED),
    disksOf(request) {
      const { rootDisk, dataDisks = [] } = createdBy(request) ?? {};
      return rootDisk || dataDisks.length > 0 ? [...(rootDisk ? [rootDisk] : []), ...dataDisks] : undefined;
    },
    diskType: 'io2',
    encryptionKeyId: 'alias/fleets',
    refusedKeys: [
      { id: 'alias/no-such-key', code: 'unknown-encryption-key' },
      { id: 'alias/disabled', code: 'not-usable' },
    ],
    unknownVolumeBackendId: 'vol-0123456789abcdef0',
    async rulesOf(id) {
      const groups = readBooks(engine.world, { connection: 'suite' }).clouds.flatMap(
        (one) => one.securityGroups,
      );
      const rules = groups.find(({ backendId }) => backendId === id)?.rules ?? [];
      return rules.map(({ protocol, ports, from }) =>
        [protocol, ...(ports ? [`${ports.first}-${ports.last}`] : []), from].join(' '),
      );
    },
    reset: async () => engine.reset(),
    async countLeft() {
      const { clouds } = readBooks(engine.world, { connection: 'suite' });
      return clouds.reduce((sum, { instances, networks, securityGroups, keyPairs, volumes }) => {
        const alive = instances.filter(({ status }) => status !== 'Terminated');
        return (
          sum + alive.length + networks.length + securityGroups.length + keyPairs.length + volumes.length
        );
      }, 0);
    },
    stop: () => server.close(),
  };
}

export const simHarness: Harness = { driver: simDriver, start };
