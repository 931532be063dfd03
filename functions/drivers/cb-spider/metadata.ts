import { CLOUDS, type Cloud } from '../../model/cloud.ts';
import type { CredentialField, DriverMetadata } from '../contract/metadata.ts';
import { IMAGE_ID_PATTERNS } from './image-ids.ts';

/** Keys of credentials in CB-Spider's spelling. The driver sends these keys to CB-Spider unchanged. */
type CredentialKey =
  | 'ClientId'
  | 'ClientSecret'
  | 'StsToken'
  | 'TenantId'
  | 'SubscriptionId'
  | 'PrivateKey'
  | 'ClientEmail'
  | 'ProjectID'
  | 'ApiKey'
  | 'IdentityEndpoint'
  | 'Username'
  | 'Password'
  | 'DomainName'
  | 'MockName';

/** The keys that each cloud's driver in CB-Spider requires, as CB-Spider's `cloudos_meta.yaml` lists them. */
export const CREDENTIAL_KEYS: Readonly<Record<Cloud, readonly CredentialKey[]>> = {
  aws: ['ClientId', 'ClientSecret'],
  azure: ['ClientId', 'ClientSecret', 'TenantId', 'SubscriptionId'],
  gcp: ['PrivateKey', 'ProjectID', 'ClientEmail'],
  alibaba: ['ClientId', 'ClientSecret'],
  tencent: ['ClientId', 'ClientSecret'],
  ibm: ['ApiKey'],
  oracle: ['TenantId', 'ClientId', 'ClientSecret', 'StsToken', 'ProjectID'],
  openstack: ['IdentityEndpoint', 'Username', 'Password', 'DomainName', 'ProjectID'],
  ncp: ['ClientId', 'ClientSecret'],
  nhn: ['IdentityEndpoint', 'Username', 'Password', 'DomainName', 'TenantId'],
  kt: ['IdentityEndpoint', 'Username', 'Password', 'DomainName', 'ProjectID'],
  ktclassic: ['ClientId', 'ClientSecret'],
  mock: ['MockName'],
};

const DESCRIPTIONS: Readonly<Record<CredentialKey, string>> = {
  ClientId: 'Access key id or client id',
  ClientSecret: 'Secret key; for oracle, the private key as PEM',
  StsToken: 'Session token; for oracle, the fingerprint of the key',
  TenantId: 'Tenant',
  SubscriptionId: 'Subscription',
  PrivateKey: 'Private key of the service account as PEM',
  ClientEmail: 'E-mail address of the service account',
  ProjectID: 'Project; for oracle, the compartment',
  ApiKey: 'API key',
  IdentityEndpoint: 'URL of Keystone',
  Username: 'User of the cloud',
  Password: "Password of the cloud's user",
  DomainName: 'Domain of the user',
  MockName: 'Any name. The mock driver keeps its machines under it',
};

/** Keys whose values are not secret. */
const PUBLIC_KEYS: ReadonlySet<CredentialKey> = new Set([
  'TenantId',
  'SubscriptionId',
  'ClientEmail',
  'ProjectID',
  'IdentityEndpoint',
  'DomainName',
  'MockName',
]);

function fieldOf(name: CredentialKey): CredentialField {
  const clouds = CLOUDS.filter((cloud) => CREDENTIAL_KEYS[cloud].includes(name));
  const usedBy = clouds.length > 0 ? ` (${clouds.join(', ')})` : ' (aws, only with temporary keys)';
  return {
    name,
    description: `${DESCRIPTIONS[name]}${usedBy}`,
    secret: !PUBLIC_KEYS.has(name),
    required: false,
    requiredBy: clouds,
  };
}

const KEYS: readonly CredentialKey[] = [
  'ClientId',
  'ClientSecret',
  'StsToken',
  'TenantId',
  'SubscriptionId',
  'PrivateKey',
  'ClientEmail',
  'ProjectID',
  'ApiKey',
  'IdentityEndpoint',
  'Username',
  'Password',
  'DomainName',
  'MockName',
];

/** Describes a CB-Spider server and the clouds behind it. `CREDENTIAL_KEYS` has the keys that each cloud needs. */
export const cbSpiderMetadata = {
  name: 'cb-spider',
  title: 'CB-Spider',
  clouds: [
    'aws',
    'azure',
    'gcp',
    'alibaba',
    'tencent',
    'ibm',
    'oracle',
    'openstack',
    'ncp',
    'nhn',
    'kt',
    'ktclassic',
    'mock',
  ],
  endpoint: 'required',
  credentialFields: [
    { name: 'username', description: 'User of the CB-Spider server', secret: false, required: true },
    { name: 'password', description: 'Password of the CB-Spider server', secret: true, required: true },
    ...KEYS.map(fieldOf),
  ],
  apiKind: 'locational',
  inventoryPollMinutes: 60,
  statusPollSeconds: 5,
  // While a machine is being started, a look-up by name in CB-Spider detects this, even if the cloud does not show the
  // machine yet. Therefore this time covers only the lag of the cloud's own lists.
  consistencyWindowMs: 20_000,
  // CB-Spider queues its requests to a cloud, and some clouds take many minutes to make a machine.
  longestCreateMs: 1_800_000,
  machineProof: ['idempotency-key', 'creation-time'],
  backendIds: 'names',
  // NCP's limit, which is the lowest limit of these clouds.
  maxNameLength: 30,
  // NCP's limit of one ACG, which is the lowest limit of these clouds: guide.ncloud-docs.com, "ACG".
  maxInboundRules: 50,
  capabilities: ['stop-start', 'reboot', 'idempotency-keys', 'existing-networks', 'machine-checks'],
  features: ['prices', 'launch-tokens', 'public-ips'],
  imageIdPattern: IMAGE_ID_PATTERNS,
} as const satisfies DriverMetadata;
