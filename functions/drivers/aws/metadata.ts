import type { DriverMetadata } from '../contract/metadata.ts';
import { METERED_ACTIONS } from './metered-actions.ts';

/** Describes the AWS driver. All facts here are known without a call to the cloud. */
export const awsMetadata = {
  name: 'aws',
  title: 'Amazon Web Services',
  clouds: ['aws'],
  endpoint: 'own',
  credentialFields: [
    {
      name: 'roleArn',
      description:
        'ARN of a role in the account. Its name begins with fleetwright-, and it trusts this deployment (docs/drivers/aws.md)',
      secret: false,
      required: true,
      // The role of the driver's function may assume only roles with this prefix.
      pattern: 'arn:aws(?:-cn|-us-gov)?:iam::[0-9]{12}:role/fleetwright-[A-Za-z0-9+=,.@_-]{1,52}',
      alternative: 'role',
    },
    {
      name: 'externalId',
      description:
        "External id that the role's trust policy requires: 16 to 1,224 characters that are hard to guess",
      // A user of another namespace who knows the external id could make this deployment assume the role.
      secret: true,
      required: true,
      pattern: '[A-Za-z0-9+=,.@:/_-]{16,1224}',
      alternative: 'role',
    },
    {
      name: 'accessKeyId',
      description: 'Access key id of an IAM user or of a session',
      secret: false,
      required: true,
      pattern: '[A-Za-z0-9_]{4,128}',
      alternative: 'access key',
    },
    {
      name: 'secretAccessKey',
      description: 'Secret access key that belongs to the access key id',
      secret: true,
      required: true,
      pattern: '[\\x21-\\x7e]{1,256}',
      alternative: 'access key',
    },
    {
      name: 'sessionToken',
      description: 'Session token, only for the temporary keys of a session. They expire with the session',
      secret: true,
      required: false,
      pattern: '[\\x21-\\x7e]{1,4096}',
      alternative: 'access key',
    },
    {
      name: 'homeRegion',
      description:
        "Region for calls that belong to no region; by default a region of the role's partition, and us-east-1 for an access key. With an access key of China or GovCloud, name one of its regions",
      secret: false,
      required: false,
      pattern: '[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}',
    },
  ],
  apiKind: 'locational',
  inventoryPollMinutes: 360,
  statusPollSeconds: 5,
  // EC2's lists are eventually consistent, mostly within seconds. AWS promises no limit.
  consistencyWindowMs: 30_000,
  // EC2 sets the creation time before it answers. Before EC2 receives the request, the request may be delayed or
  // repeated.
  longestCreateMs: 300_000,
  machineProof: ['idempotency-key'],
  backendIds: 'unique',
  // Maximum length of a security group's name at EC2. Key pairs, launch templates and tags allow at least this length.
  maxNameLength: 128,
  // EC2 imports RSA and Ed25519 keys, and a machine has one key pair.
  publicKeys: { maxPerMachine: 1, types: ['ssh-ed25519', 'ssh-rsa'] },
  // EC2's quota of rules of one security group, in each direction.
  maxInboundRules: 60,
  meteredActions: METERED_ACTIONS,
  capabilities: [
    'stop-start',
    'reboot',
    'batch-create',
    'batch-terminate',
    'late-names',
    'list-by-id',
    'idempotency-keys',
    'quotas',
    'writer-marks',
    'rights-check',
    'existing-networks',
    'volumes',
    'machine-checks',
    'markets',
  ],
  features: [
    'tags',
    'user-data',
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
  // By the names of EC2's vCPU quotas. `Standard` has the families A, C, D, H, I, M, R, T and Z.
  quotaClasses: {
    named: {
      'G and VT': '(?:g|gr|vt)[0-9]',
      P: 'p[0-9]',
      X: 'x[0-9]',
      F: 'f[0-9]',
      Inf: 'inf[0-9]',
      Trn: 'trn[0-9]',
      DL: 'dl[0-9]',
      HPC: 'hpc[0-9]',
      'High Memory': 'u[0-9-]',
      Mac: 'mac[0-9]',
    },
    others: 'Standard',
  },
  imageIdPattern: 'ami-(?:[0-9a-f]{8}|[0-9a-f]{17})',
  tagRules: {
    // EC2 keeps 50 tags at a resource. Seven of a machine's tags are the driver's and the control plane's own.
    most: 43,
    keyPattern: '[\\p{L}\\p{N} +=._:/@-]+',
    maxKeyLength: 128,
    maxValueLength: 256,
    reserved: ['fleetwright:*', 'aws:*', 'Name'],
  },
  defaultDiskType: 'gp3',
  // The ranges of EBS, from the documentation of EC2's structure EbsBlockDevice. The prices are of AWS's public price list
  // of service AmazonEC2 (usage types `EBS:VolumeUsage…`, `EBS:VolumeP-IOPS…`, `EBS:VolumeP-Throughput…`), for us-east-1,
  // which us-east-2 and us-west-2 share: compared on 2026-12-01 with excerpts of that list in public projects. A disk of
  // type standard also costs its requests, which are not known before. Other regions have other prices: none are known.
  diskPriceLocations: ['us-east-1', 'us-east-2', 'us-west-2'],
  diskTypes: {
    gp3: {
      sizeGb: { min: 1, max: 65_536 },
      iops: { min: 3_000, max: 80_000, perGb: 500 },
      throughputMbps: { min: 125, max: 2_000 },
      price: {
        usdPerGbMonth: 0.08,
        iops: [{ above: 3_000, usdPerMonth: 0.005 }],
        throughputMbps: [{ above: 125, usdPerMonth: 0.04 }],
      },
    },
    gp2: { sizeGb: { min: 1, max: 16_384 }, price: { usdPerGbMonth: 0.1 } },
    io2: {
      sizeGb: { min: 4, max: 65_536 },
      iops: { min: 100, max: 256_000, perGb: 1_000, isNeeded: true },
      price: {
        usdPerGbMonth: 0.125,
        iops: [
          { above: 0, usdPerMonth: 0.065 },
          { above: 32_000, usdPerMonth: 0.0455 },
          { above: 64_000, usdPerMonth: 0.031_85 },
        ],
      },
    },
    io1: {
      sizeGb: { min: 4, max: 16_384 },
      iops: { min: 100, max: 64_000, perGb: 50, isNeeded: true },
      price: { usdPerGbMonth: 0.125, iops: [{ above: 0, usdPerMonth: 0.065 }] },
    },
    st1: { sizeGb: { min: 125, max: 16_384 }, isBootable: false, price: { usdPerGbMonth: 0.045 } },
    sc1: { sizeGb: { min: 125, max: 16_384 }, isBootable: false, price: { usdPerGbMonth: 0.015 } },
    standard: { sizeGb: { min: 1, max: 1_024 }, price: { usdPerGbMonth: 0.05 } },
  },
} as const satisfies DriverMetadata;
