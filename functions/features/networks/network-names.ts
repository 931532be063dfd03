import { createHash } from 'node:crypto';
import type { InboundRule } from '../../model/inbound-rule.ts';
import type { PublicKey } from '../../model/ssh-public-key.ts';
import type { SiteRef } from '../../platform/worker/context.ts';
import { rulesText, type WantedSecurityGroup } from './inbound-rules.ts';
import { isSharedName } from './shared-names.ts';
import { fingerprintOf } from './user-key.ts';

/**
 * Returns a hash of about 31 bits, as six digits of base 36. With the hash, the names of a fleet's resources
 * differ by site and by rules.
 */
const shortHash = (text: string): string =>
  (createHash('sha256').update(text).digest().readUInt32BE() % 36 ** 6).toString(36).padStart(6, '0');

/**
 * Builds the name of a network resource. The name serves as the resource's idempotency key: every worker
 * derives the same name from the same arguments.
 *
 * The name consists of the fleet's id without the leading `f`, a letter for the kind, and a hash of `rest`.
 * It has 23 characters, which is within the limit of every driver.
 */
function resourceName(fleetId: string, kind: 'n' | 'k' | 's', ...rest: string[]): string {
  return `${fleetId.slice(1)}${kind}${shortHash(rest.join('#'))}`;
}

export const networkName = (fleetId: string, { connectionKey, location }: SiteRef): string =>
  resourceName(fleetId, 'n', connectionKey, location);

/**
 * Returns the name of a key pair.
 *
 * @param key a public key of the user, from whose fingerprint the name is made. Absent: the key that the deployment has
 *   made for the fleet
 */
export function keyPairName(fleetId: string, { connectionKey, location }: SiteRef, key?: PublicKey): string {
  return resourceName(fleetId, 'k', connectionKey, location, ...(key ? [fingerprintOf(key)] : []));
}

/**
 * Returns the name of a security group. Each distinct set of rules has its own security group. All node groups
 * without rules share one security group, which allows no inbound traffic.
 */
export function securityGroupName(
  fleetId: string,
  { connectionKey, location }: SiteRef,
  rules: readonly InboundRule[],
): string {
  return resourceName(fleetId, 's', connectionKey, location, rulesText(rules));
}

/** Returns the name of the security group that marks the machines of a node group, as the source of rules. */
export function markGroupName(
  fleetId: string,
  { connectionKey, location }: SiteRef,
  nodeGroup: string,
): string {
  return resourceName(fleetId, 's', connectionKey, location, `group:${nodeGroup}`);
}

/** Returns the name of a security group of `securityGroupsOf`. */
export function nameOfGroup(
  fleetId: string,
  site: SiteRef,
  { nodeGroup, rules }: Pick<WantedSecurityGroup, 'nodeGroup' | 'rules'>,
): string {
  return nodeGroup === undefined
    ? securityGroupName(fleetId, site, rules)
    : markGroupName(fleetId, site, nodeGroup);
}

/**
 * Returns the id of the fleet that a network resource of this name belongs to; undefined if the name does not
 * have the form of Fleetwright's names.
 */
export function fleetOfResource(name: string): string | undefined {
  if (isSharedName(name)) return undefined;
  const [, fleet] = /^([0-9a-z]{16})[nks][0-9a-z]{6}$/.exec(name) ?? [];
  return fleet === undefined ? undefined : `f${fleet}`;
}
