import type { Cloud } from '../../model/cloud.ts';
import type { Credential } from '../../model/connection.ts';
import type { NetworkResourceKind } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { CREDENTIAL_KEYS } from './metadata.ts';

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
