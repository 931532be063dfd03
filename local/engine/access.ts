import { randomBytes, randomInt } from 'node:crypto';
import type { EngineAccess, EngineRecord } from '../state/records.ts';
import { LOCAL_REGION } from './environment.ts';

const KEY_ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export interface EngineKey {
  accessKeyId: string;
  secretAccessKey: string;
}

/** A key for one engine, of AWS's form. Its id is no account's number, which the engine takes ids of 12 digits for. */
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

/** Settings of an AWS SDK's client of the engine, whatever account the environment names. */
export function engineSettings({ engineUrl, engineAccessKeyId, engineSecretAccessKey }: EngineAccess) {
  return {
    endpoint: engineUrl,
    region: LOCAL_REGION,
    credentials: { accessKeyId: engineAccessKeyId, secretAccessKey: engineSecretAccessKey },
  };
}
