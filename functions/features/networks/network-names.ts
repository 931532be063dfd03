import { createHash } from 'node:crypto';
import type { NodeGroup } from '../../model/fleet.ts';
import type { SiteRef } from '../../platform/worker/context.ts';

/** 31 bits in six digits of base 36: sites and rules of one fleet are told apart by it. */
const shortHash = (text: string): string =>
  (createHash('sha256').update(text).digest().readUInt32BE() % 36 ** 6).toString(36).padStart(6, '0');

/**
 * Names are the idempotency keys of network resources: the same for every worker that asks. The fleet's id without
 * its `f`, a letter for the kind and a hash of what else tells it apart: 23 characters, as drivers take.
 */
function resourceName(fleetId: string, kind: 'n' | 'k' | 's', ...rest: string[]): string {
  return `${fleetId.slice(1)}${kind}${shortHash(rest.join('#'))}`;
}

export const networkName = (fleetId: string, { connectionKey, location }: SiteRef): string =>
  resourceName(fleetId, 'n', connectionKey, location);

export const keyPairName = (fleetId: string, { connectionKey, location }: SiteRef): string =>
  resourceName(fleetId, 'k', connectionKey, location);

/** One security group for each distinct rule: groups that ask for no SSH share the one that lets nothing in. */
export function securityGroupName(
  fleetId: string,
  { connectionKey, location }: SiteRef,
  sshFrom: string | undefined,
): string {
  return resourceName(fleetId, 's', connectionKey, location, sshFrom ?? 'closed');
}

/** Where SSH may come from, by what a node group asks for; undefined: from nowhere. */
export function sshFromOf(ssh: NodeGroup['ssh']): string | undefined {
  if (ssh === undefined) return undefined;
  const { allowFrom, ...rest } = ssh;
  // What else is said of SSH has to become part of the security group, too: else it is an error of types.
  rest satisfies Record<string, never>;
  return allowFrom;
}

/** The fleet that a network resource of this name belongs to; undefined when the name is none of ours. */
export function fleetOfResource(name: string): string | undefined {
  const [, fleet] = /^([0-9a-z]{16})[nks][0-9a-z]{6}$/.exec(name) ?? [];
  return fleet === undefined ? undefined : `f${fleet}`;
}
