import { createHash } from 'node:crypto';
import type { NodeGroup } from '../../model/fleet.ts';
import type { SiteRef } from '../../platform/worker/context.ts';

/**
 * Returns 31 bits of a hash in six digits of base 36. The hash distinguishes the sites and SSH rules of one
 * fleet.
 */
const shortHash = (text: string): string =>
  (createHash('sha256').update(text).digest().readUInt32BE() % 36 ** 6).toString(36).padStart(6, '0');

/**
 * Builds the name of a network resource. The name is the idempotency key of the resource, because every
 * worker derives the same name.
 *
 * The name consists of the fleet's id without its `f`, a letter for the kind, and a hash of the other parts.
 * It has 23 characters, which is within the limit of every driver.
 */
function resourceName(fleetId: string, kind: 'n' | 'k' | 's', ...rest: string[]): string {
  return `${fleetId.slice(1)}${kind}${shortHash(rest.join('#'))}`;
}

export const networkName = (fleetId: string, { connectionKey, location }: SiteRef): string =>
  resourceName(fleetId, 'n', connectionKey, location);

export const keyPairName = (fleetId: string, { connectionKey, location }: SiteRef): string =>
  resourceName(fleetId, 'k', connectionKey, location);

/**
 * Returns the name of a security group. Each distinct SSH rule has its own security group. Node groups
 * without SSH share one that allows no incoming traffic.
 */
export function securityGroupName(
  fleetId: string,
  { connectionKey, location }: SiteRef,
  sshFrom: string | undefined,
): string {
  return resourceName(fleetId, 's', connectionKey, location, sshFrom ?? 'closed');
}

/** Returns the CIDR from which a node group's spec allows SSH; undefined if SSH is not allowed. */
export function sshFromOf(ssh: NodeGroup['ssh']): string | undefined {
  if (ssh === undefined) return undefined;
  const { allowFrom, ...rest } = ssh;
  // If `ssh` gets a new field, this line becomes a type error. The security group has to depend on the new
  // field, too.
  rest satisfies Record<string, never>;
  return allowFrom;
}

/**
 * Returns the id of the fleet that a network resource of this name belongs to; undefined if Fleetwright gives
 * no such name.
 */
export function fleetOfResource(name: string): string | undefined {
  const [, fleet] = /^([0-9a-z]{16})[nks][0-9a-z]{6}$/.exec(name) ?? [];
  return fleet === undefined ? undefined : `f${fleet}`;
}
