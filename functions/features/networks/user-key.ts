import { createHash } from 'node:crypto';
import type { NodeGroup } from '../../model/fleet.ts';
import { type PublicKey, publicKeyOf } from '../../model/ssh-public-key.ts';

/**
 * Returns the user's own public key of a node group's machines; undefined if the deployment makes a key for the fleet. The
 * API accepts one key for each machine, because that is what the clouds take.
 */
export function userKeyOf({ ssh }: Pick<NodeGroup, 'ssh'>): PublicKey | undefined {
  const [first] = ssh?.publicKeys ?? [];
  return first === undefined ? undefined : publicKeyOf(first);
}

/** Returns the fingerprint of a key as `ssh-keygen -l` prints it, in base64 without the prefix `SHA256:`. */
export function fingerprintOf({ text }: Pick<PublicKey, 'text'>): string {
  const [, base64 = ''] = text.split(' ');
  return createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64').replace(/=+$/, '');
}
