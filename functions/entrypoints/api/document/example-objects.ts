import type * as z from 'zod';
import type { ApiKey, Namespace } from '../../../model/access.ts';
import type { Binding } from '../../../model/binding.ts';
import type { imageSchema, instanceTypeSchema, locationSchema, offerSchema } from '../../../model/cloud.ts';
import type { Fleet, Instance } from '../../../model/fleet.ts';
import type { GovernorView } from '../../../model/governor-view.ts';
import { REQUEST_MORE } from '../../../model/limit-tiers.ts';
import { CAUTIOUS_PROFILES, CAUTIOUS_SOURCES, GRANTED_PROFILES } from '../../../model/peer-limits.ts';
import type { ClientInput, OperationOutput } from '../contract.ts';

/** The objects of the examples. All examples are about the namespace, connection and fleet of the local stack. */
const AT = '2026-06-01T12:00:00.000Z';
const FLEET_ID = 'f1kdvdsg466w7wczm';
export const NAMES = { namespace: 'default', connection: 'sim-aws', location: 'us-east-1' } as const;
const machine = {
  connection: NAMES.connection,
  instanceType: 'm6i.large',
  image: 'ubuntu-24.04',
} as const;

export const namespace: Namespace = { name: 'default', description: 'First tries', createdAt: AT };

export const apiKey: ApiKey = {
  id: '0123456789ab',
  name: 'ci-runner',
  role: 'operator',
  namespaces: ['default'],
  createdAt: AT,
  expiresAt: '2999-01-01T00:00:00.000Z',
};

export const binding: Binding = {
  id: '0123456789abcdef01234567-01234567',
  kind: 'group',
  name: 'operators',
  issuer: 'https://login.example.com',
  role: 'operator',
  namespaces: ['default'],
  createdAt: AT,
  createdBy: { kind: 'key', name: '0123456789ab' },
};

export const connection: OperationOutput<'getConnection'> = {
  namespace: 'default',
  name: NAMES.connection,
  id: 'c1kdvdsg466w7wczm',
  driver: 'sim',
  cloud: 'aws',
  status: 'Ready',
  orphans: { action: 'terminate', graceSeconds: 3_600 },
  limitProfile: CAUTIOUS_PROFILES.aws,
  createdAt: AT,
  verifiedAt: AT,
  inventorySyncedAt: AT,
};

const governor: GovernorView = {
  locationsInUse: { taken: 0 },
  budgets: [],
  locations: [],
  locationsLeftOut: 0,
};

export const limits: OperationOutput<'getLimits'> = {
  cloud: 'aws',
  tier: 'default',
  profile: CAUTIOUS_PROFILES.aws,
  override: {},
  cautious: CAUTIOUS_PROFILES.aws,
  defaults: CAUTIOUS_PROFILES.aws,
  sources: [...CAUTIOUS_SOURCES],
  power: GRANTED_PROFILES.aws,
  requestMore: REQUEST_MORE.aws,
  governor,
  quotas: [],
  quotaLocationsLeftOut: 0,
};

export const driver: OperationOutput<'listDrivers'>['items'][number] = {
  name: 'sim',
  title: 'Simulated clouds',
  clouds: [
    {
      cloud: 'aws',
      limitProfile: CAUTIOUS_PROFILES.aws,
      powerProfile: GRANTED_PROFILES.aws,
      requestMore: REQUEST_MORE.aws,
    },
  ],
  endpoint: 'own',
  credentialFields: [
    { name: 'account', description: 'Name of the simulated account.', secret: false, required: true },
  ],
  capabilities: [],
  features: [],
  meteredActions: [],
  apiKind: 'locational',
  inventoryPollMinutes: 60,
  statusPollSeconds: 5,
  maxNameLength: 63,
};

export const location: z.output<typeof locationSchema> = {
  name: NAMES.location,
  displayName: 'N. Virginia',
  country: 'USA',
  latitude: 38.9,
  longitude: -77.4,
  zones: ['us-east-1a', 'us-east-1b'],
  available: true,
};

export const instanceType: z.output<typeof instanceTypeSchema> = {
  name: machine.instanceType,
  vcpus: 2,
  memoryGb: 8,
  architecture: 'x86_64',
};

export const offer: z.output<typeof offerSchema> = {
  id: 'us-east-1-m6i.large',
  location: NAMES.location,
  instanceType: machine.instanceType,
  priceUsdPerHour: 0.096,
  available: true,
};

export const image: z.output<typeof imageSchema> = {
  name: machine.image,
  location: NAMES.location,
  backendId: 'ami-0123456789abcdef0',
  description: 'Ubuntu 24.04 LTS',
  architectures: ['x86_64'],
  available: true,
};

export const fleetRequest: ClientInput<'createFleet'>['body'] = {
  name: 'web',
  labels: { team: 'search' },
  nodeGroups: [{ ...machine, name: 'front', size: 2, locations: [NAMES.location] }],
};

export const fleet: Fleet = {
  id: FLEET_ID,
  name: 'web',
  namespace: 'default',
  labels: { team: 'search' },
  status: 'Running',
  failurePolicy: 'continue',
  counts: { requested: 2, Running: 2 },
  byLocation: [
    {
      cloud: 'aws',
      connection: NAMES.connection,
      location: NAMES.location,
      counts: { requested: 2, Running: 2 },
    },
  ],
  progress: 1,
  createdAt: AT,
  startedAt: AT,
  runningAt: '2026-06-01T12:00:40.000Z',
  usdPerHour: 0.192,
  costUsd: 0.05,
  failures: [],
  allowedActions: [],
};

export const instance: Instance = {
  id: `${FLEET_ID}-00000`,
  fleetId: FLEET_ID,
  nodeGroup: 'front',
  cloud: 'aws',
  connection: NAMES.connection,
  location: NAMES.location,
  zone: 'us-east-1a',
  status: 'Running',
  target: 'Running',
  instanceType: machine.instanceType,
  market: 'on-demand',
  image: machine.image,
  labels: { team: 'search' },
  publicIp: '203.0.113.10',
  privateIp: '10.0.0.10',
  launchedAt: AT,
  runningAt: '2026-06-01T12:00:40.000Z',
};

export const instanceRequest = { ...machine, name: 'web-1', location: NAMES.location };

export const resource: OperationOutput<'removeVolume'> = {
  name: 'v0123456789abcdef',
  kind: 'volume',
  fleet: { id: FLEET_ID, name: 'web' },
  cloud: 'aws',
  connection: NAMES.connection,
  location: NAMES.location,
  state: 'Deleting',
  neededBy: [],
  liveInstances: 0,
  instanceId: `${FLEET_ID}-00000`,
  sizeGb: 50,
  createdAt: AT,
};

export const network: OperationOutput<'getNetwork'> = {
  name: 'sharedn1kdvdnc4jyfcbym5',
  mode: 'shared',
  cloud: 'aws',
  connection: NAMES.connection,
  location: NAMES.location,
  state: 'Ready',
  users: 1,
  fleets: [{ id: FLEET_ID, name: 'web' }],
  createdAt: AT,
};

export const orphan: OperationOutput<'listOrphans'>['items'][number] = {
  connection: NAMES.connection,
  cloud: 'aws',
  location: NAMES.location,
  kind: 'instance',
  backendId: 'i-0123456789abcdef0',
  name: 'web-1',
  reason: 'no-record',
  state: 'Quarantined',
  firstSeenAt: AT,
  stateSince: AT,
};

export const sweep: OperationOutput<'getSweep'> = {
  id: 's1kdvdsg466w7wczm',
  namespace: 'default',
  dryRun: true,
  connections: [NAMES.connection],
  status: 'Done',
  places: { found: 2, done: 2, failed: 0 },
  findings: [],
  findingsLeftOut: 0,
  failures: [],
  createdAt: AT,
};

export const hold: OperationOutput<'listSweepHolds'>['items'][number] = {
  connection: NAMES.connection,
  because: 'cap',
  message: 'a sweep found more machines to remove than it may remove in a day',
  since: AT,
};

export const auditEntry: OperationOutput<'listAudit'>['items'][number] = {
  id: '01kdvdsg466w7wczm',
  at: AT,
  type: 'fleet.create',
  namespace: 'default',
  actor: { kind: 'key', name: '0123456789ab' },
  target: { kind: 'fleet', name: 'web', id: FLEET_ID },
  result: 'succeeded',
};

export const word: OperationOutput<'getWords'>['items'][number] = {
  shape: 'status <word>',
  call: 'list',
  code: 'Unknown',
  count: 3,
  firstSeenAt: AT,
  lastSeenAt: AT,
  example: 'status migrating',
};
