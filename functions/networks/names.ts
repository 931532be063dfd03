import { createHash } from 'node:crypto';
import type { PlaceRef } from '../worker/context.ts';

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 6);

/** Names are the idempotency keys of network resources: the same for every worker that asks. */
function resourceName(fleetId: string, { connectionKey, location }: PlaceRef, kind: string): string {
  return `fw-${fleetId}-${shortHash(`${connectionKey}#${location}`)}-${kind}`;
}

export const networkName = (fleetId: string, place: PlaceRef): string => resourceName(fleetId, place, 'net');
export const keyPairName = (fleetId: string, place: PlaceRef): string => resourceName(fleetId, place, 'key');

/** One security group for each distinct rule: groups that ask for no SSH share the one that lets nothing in. */
export function securityGroupName(fleetId: string, place: PlaceRef, sshFrom: string | undefined): string {
  return resourceName(fleetId, place, sshFrom === undefined ? 'sg' : `sg${shortHash(sshFrom)}`);
}
