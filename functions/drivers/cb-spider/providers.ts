import type { Cloud } from '../../model/cloud.ts';
import type { Credential } from '../../model/connection.ts';
import type { NetworkResourceKind } from '../driver.ts';
import { DriverError } from '../errors.ts';

/** Keys of credentials as CB-Spider spells them; they go through as they are. */
export type CredentialKey =
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

/** What each cloud's driver in CB-Spider asks of a credential (its `cloudos_meta.yaml`). */
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

/** CB-Spider's own part of a credential, and the cloud's. */
export interface SplitCredential {
  username: string;
  password: string;
  keyValues: { Key: string; Value: string }[];
}

/** @throws DriverError InvalidRequest when a key is missing that the cloud asks for */
export function splitCredential(cloud: Cloud, credential: Credential): SplitCredential {
  const missing = CREDENTIAL_KEYS[cloud].filter((key) => !(key in credential));
  if (missing.length > 0) {
    throw new DriverError('InvalidRequest', `cloud ${cloud} needs credential fields ${missing.join(', ')}`);
  }
  const { username = '', password = '', ...rest } = credential;
  return {
    username,
    password,
    keyValues: Object.entries(rest).map(([Key, Value]) => ({ Key, Value })),
  };
}

/** CB-Spider's word for a cloud. */
export function providerName(cloud: Cloud): string {
  return cloud.toUpperCase();
}

/**
 * Whether CB-Spider makes up the cloud's name of a resource. We have it off, so that what it lost track of still
 * tells by its name whose it is; Tencent's key pairs alone take no name of ours (25 characters).
 */
export function idTransformMode(cloud: Cloud, kind: NetworkResourceKind | 'instance'): 'ON' | 'OFF' {
  return cloud === 'tencent' && kind === 'key-pair' ? 'ON' : 'OFF';
}
