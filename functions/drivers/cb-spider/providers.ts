import type { Cloud } from '../../model/cloud.ts';
import type { Credential } from '../../model/connection.ts';
import type { NetworkResourceKind } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { CREDENTIAL_KEYS } from './metadata.ts';

/** A credential, split into CB-Spider's own part and the cloud's part. */
export interface SplitCredential {
  username: string;
  password: string;
  keyValues: { Key: string; Value: string }[];
}

/** Splits a credential. @throws DriverError InvalidRequest if a key is missing that the cloud requires */
export function splitCredential(cloud: Cloud, credential: Credential): SplitCredential {
  const missing = CREDENTIAL_KEYS[cloud].filter((key) => !(key in credential));
  if (missing.length > 0) {
    throw new DriverError(
      'InvalidRequest',
      `the credential for cloud ${cloud} lacks the fields ${missing.join(', ')}`,
    );
  }
  const { username = '', password = '', ...rest } = credential;
  return {
    username,
    password,
    keyValues: Object.entries(rest).map(([Key, Value]) => ({ Key, Value })),
  };
}

/** Returns CB-Spider's name of a cloud. */
export function providerName(cloud: Cloud): string {
  return cloud.toUpperCase();
}

/**
 * Returns ON if CB-Spider must generate the name of a resource at the cloud. With OFF, the name at the cloud is the
 * name that the driver gives. This name tells which deployment the resource belongs to, even if CB-Spider loses its
 * record of the resource. Only key pairs at Tencent need ON, because Tencent allows at most 25 characters, and the
 * driver's names may be longer.
 */
export function idTransformMode(cloud: Cloud, kind: NetworkResourceKind | 'instance'): 'ON' | 'OFF' {
  return cloud === 'tencent' && kind === 'key-pair' ? 'ON' : 'OFF';
}
