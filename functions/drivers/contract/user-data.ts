import type { InstanceSpec } from './driver.ts';

/** Returns the bytes of a spec's user data in base64, as most clouds take them. Undefined: the spec has no user data. */
export function encodedUserData({
  userData,
  userDataBase64,
}: Pick<InstanceSpec, 'userData' | 'userDataBase64'>): string | undefined {
  return userData === undefined ? userDataBase64 : Buffer.from(userData).toString('base64');
}
