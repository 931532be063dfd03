import { PUBLIC_KEY_TYPES } from '../../model/ssh-public-key.ts';
import type { DriverMetadata } from '../contract/metadata.ts';

/** Describes the driver of the simulated clouds. All facts here are known without a call to the cloud. */
export const simMetadata = {
  name: 'sim',
  title: 'Simulated clouds',
  clouds: ['aws', 'azure', 'gcp', 'alibaba', 'tencent', 'ibm', 'ncp', 'openstack'],
  endpoint: 'required',
  credentialFields: [
    {
      name: 'account',
      description: 'Any name. Each account has its own limits and quotas, and its own record of calls',
      secret: false,
      required: true,
      pattern: '[A-Za-z0-9][A-Za-z0-9._@-]{0,63}',
    },
    {
      name: 'apiKey',
      description: 'API key of the account. The control API of the simulated clouds shows it',
      secret: true,
      required: false,
      pattern: '[\\x21-\\x7e]+',
    },
  ],
  apiKind: 'locational',
  inventoryPollMinutes: 15,
  statusPollSeconds: 5,
  // The cloud takes up to 1.5 s to accept a create call, and lists may lag by 3 s.
  consistencyWindowMs: 5_000,
  readableAfterMs: 0,
  // The cloud takes up to 1.5 s to accept a create call, and injected faults may delay a request by a minute.
  longestCreateMs: 120_000,
  machineProof: ['creation-time'],
  backendIds: 'unique',
  maxNameLength: 63,
  publicKeys: { maxPerMachine: 1, types: PUBLIC_KEY_TYPES },
  maxInboundRules: 60,
  meteredActions: [
    'sim:GET instances',
    'sim:DELETE instances',
    'sim:POST networks',
    'sim:DELETE networks',
    'sim:POST security-groups',
    'sim:DELETE security-groups',
    'sim:POST key-pairs',
    'sim:DELETE key-pairs',
    'sim:GET volumes',
    'sim:DELETE volumes',
  ],
  capabilities: [
    'stop-start',
    'reboot',
    'batch-terminate',
    'list-by-id',
    'writer-marks',
    'existing-networks',
    'volumes',
    'machine-checks',
    'markets',
  ],
  features: [
    'tags',
    'user-data',
    'prices',
    'launch-tokens',
    'zones',
    'group-sources',
    'ipv6-rules',
    'identity',
    'placement-groups',
    'metadata-options',
    'disk-types',
    'disk-performance',
    'disk-encryption',
    'disk-keys',
    'data-disks',
    'kept-disks',
    'public-ips',
    'private-only',
  ],
  // The forms of the simulated EC2, Tencent Cloud and OpenStack.
  imageIdPattern: 'ami-[0-9a-f]{17}|img-[a-z0-9]{8}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  tagRules: {
    most: 44,
    keyPattern: '[^\\p{Cc}]+',
    maxKeyLength: 128,
    maxValueLength: 256,
    reserved: ['fleetwright:*', 'aws:*', 'Name'],
  },
  // The fault `leaveVolumes` of the simulated clouds leaves volumes behind.
  volumesOutliveMachines: true,
  defaultDiskType: 'gp3',
  // The prices are the defaults of the simulated clouds.
  diskTypes: {
    gp3: {
      sizeGb: { min: 1, max: 65_536 },
      iops: { min: 3_000, max: 16_000 },
      throughputMbps: { min: 125, max: 1_000 },
      price: { usdPerGbMonth: 0.08 },
    },
    io2: {
      sizeGb: { min: 4, max: 65_536 },
      iops: { min: 100, max: 64_000 },
      price: { usdPerGbMonth: 0.125 },
    },
    standard: { sizeGb: { min: 1, max: 65_536 }, price: { usdPerGbMonth: 0.05 } },
  },
} as const satisfies DriverMetadata;
