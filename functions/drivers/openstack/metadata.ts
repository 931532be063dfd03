import type { DriverMetadata } from '../contract/metadata.ts';

/** Describes the OpenStack driver. All facts here are known without a call to the cloud. */
export const openstackMetadata = {
  name: 'openstack',
  title: 'OpenStack',
  clouds: ['openstack'],
  endpoint: 'required',
  credentialFields: [
    {
      name: 'applicationCredentialId',
      description: 'Id of a Keystone application credential. It is bound to one project',
      secret: false,
      required: true,
      alternative: 'application-credential',
      pattern: '[\\x21-\\x7e]{1,255}',
    },
    {
      name: 'applicationCredentialSecret',
      description: 'Secret of the application credential. Keystone shows it once, at creation',
      secret: true,
      required: true,
      alternative: 'application-credential',
    },
    {
      name: 'username',
      description: 'Name of the user (OS_USERNAME)',
      secret: false,
      required: true,
      alternative: 'password',
    },
    {
      name: 'password',
      description: 'Password of the user (OS_PASSWORD)',
      secret: true,
      required: true,
      alternative: 'password',
    },
    {
      name: 'projectName',
      description: 'Name of the project for the machines (OS_PROJECT_NAME)',
      secret: false,
      required: true,
      alternative: 'password',
    },
    {
      name: 'userDomainName',
      description: 'Domain of the user (OS_USER_DOMAIN_NAME). Default: Default',
      secret: false,
      required: false,
      alternative: 'password',
    },
    {
      name: 'projectDomainName',
      description: "Domain of the project (OS_PROJECT_DOMAIN_NAME). Default: the user's domain",
      secret: false,
      required: false,
      alternative: 'password',
    },
  ],
  apiKind: 'locational',
  inventoryPollMinutes: 60,
  statusPollSeconds: 5,
  // Nova shows a server as soon as it has answered the create call. A create call whose answer was lost may still wait
  // in a load balancer, for up to this time.
  consistencyWindowMs: 60_000,
  readableAfterMs: 5_000,
  // Nova sets the creation time when it accepts the request. Before that, the request may have waited in a load
  // balancer.
  longestCreateMs: 300_000,
  machineProof: ['creation-time'],
  backendIds: 'unique',
  // Nova accepts 255 characters, and makes a host name from the first 63.
  maxNameLength: 63,
  // Nova reads keys with Python's `cryptography`, and a server has one key pair.
  publicKeys: {
    maxPerMachine: 1,
    types: ['ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  },
  // Neutron's usual quota of a project is 100 rules. Each security group begins with 2 outbound rules.
  maxInboundRules: 98,
  capabilities: [
    'stop-start',
    'reboot',
    'batch-create',
    'quotas',
    'writer-marks',
    'existing-networks',
    'volumes',
    'machine-checks',
  ],
  features: [
    'tags',
    'user-data',
    'group-sources',
    'ipv6-rules',
    'placement-groups',
    'disk-types',
    'data-disks',
    'kept-disks',
    'private-only',
    'private-route-out',
  ],
  imageIdPattern: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  tagRules: {
    // Nova keeps 128 items of metadata at a server by default. Seven are the driver's and the control plane's own. A
    // project with a lower quota refuses the launch.
    most: 121,
    // A slash becomes a colon (`metadataOf`). Keys with a colon could therefore be equal to another key.
    keyPattern: '[A-Za-z0-9 ._/-]+',
    maxKeyLength: 255,
    maxValueLength: 255,
    reserved: ['fleetwright:*'],
  },
  // Nova may leave the volume of a server that failed before it used the volume.
  volumesOutliveMachines: true,
} as const satisfies DriverMetadata;
