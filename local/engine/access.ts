import { randomBytes, randomInt } from 'node:crypto';
import type { EngineAccess, EngineRecord } from '../state/records.ts';
import { LOCAL_REGION } from './environment.ts';

const KEY_ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export interface EngineKey {
  accessKeyId: string;
  secretAccessKey: string;
}

/**
 * Makes an access key in AWS's form for an engine. The key's id must not be twelve digits, because the engine
 * would take such an id for an account number.
 */
export function makeEngineKey(): EngineKey {
  const letters = Array.from({ length: 16 }, () => KEY_ID_LETTERS.charAt(randomInt(KEY_ID_LETTERS.length)));
  return {
    accessKeyId: `FWLK${letters.join('')}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
}

export function engineAccess({ url, accessKeyId, secretAccessKey }: EngineRecord): EngineAccess {
  return { engineUrl: url, engineAccessKeyId: accessKeyId, engineSecretAccessKey: secretAccessKey };
}

/**
 * Returns settings for AWS SDK clients of the engine. AWS variables in the environment have no effect on
 * these clients.
 */
export function engineSettings({ engineUrl, engineAccessKeyId, engineSecretAccessKey }: EngineAccess) {
  return {
    endpoint: engineUrl,
    region: LOCAL_REGION,
    credentials: { accessKeyId: engineAccessKeyId, secretAccessKey: engineSecretAccessKey },
  };
}
