import { gzipSync } from 'node:zlib';
import {
  type EncodedUserData,
  MAX_USER_DATA_BYTES,
  tooMuchUserData,
  type UserData,
} from '../../model/user-data.ts';
import type { RequestError } from './request-error.ts';

/** Returns the bytes that a machine gets. */
function bytesOf({ text, encoding }: EncodedUserData): Buffer {
  switch (encoding) {
    case 'plain':
      return Buffer.from(text);
    case 'gzip':
      return gzipSync(text);
    case 'base64':
      return Buffer.from(text, 'base64');
  }
}

/**
 * Finds compressed user data that is too large. The schema has checked all other user data. Pure.
 *
 * @param pointer JSON pointer of the node group
 */
export function checkUserData(pointer: string, userData: UserData | undefined): RequestError[] {
  if (typeof userData !== 'object' || userData.encoding !== 'gzip') return [];
  const { length } = bytesOf(userData);
  if (length <= MAX_USER_DATA_BYTES) return [];
  return [{ pointer: `${pointer}/userData/text`, code: 'too-big', message: tooMuchUserData('gzip', length) }];
}

/**
 * Returns the user data as it is stored: text, or bytes in base64. A compressed text is stored compressed, so that each
 * attempt sends the same bytes.
 */
export function storedUserData(userData: UserData): UserData {
  if (typeof userData === 'string' || userData.encoding === 'base64') return userData;
  if (userData.encoding === 'plain') return userData.text;
  return { text: bytesOf(userData).toString('base64'), encoding: 'base64' };
}

/** Returns stored user data as a create request has it: text, or bytes in base64. */
export function userDataOfSpec(
  userData: UserData | undefined,
): { userData?: string } | { userDataBase64: string } {
  if (userData === undefined) return {};
  if (typeof userData === 'string') return { userData };
  return { userDataBase64: bytesOf(userData).toString('base64') };
}
