import { isShared, type SiteResource } from '../../platform/store/site-networks.ts';
import type { SiteRef } from '../../platform/worker/context.ts';
import { hasGroupSource, rulesText, type WantedSecurityGroup } from './inbound-rules.ts';
import { nameOfGroup } from './network-names.ts';
import { hasIdentity, securityGroupIdentity } from './shared-names.ts';

type SecurityGroup = Pick<WantedSecurityGroup, 'rules' | 'nodeGroup'>;

/**
 * Returns the identity of the shared security group that serves as this one. Undefined if the fleet needs its own: one
 * that marks the machines of a node group, or has a rule that names such machines.
 */
export function sharedIdentityOf({ nodeGroup, rules }: SecurityGroup): string | undefined {
  if (nodeGroup !== undefined || hasGroupSource({ rules })) return undefined;
  return securityGroupIdentity(rulesText(rules));
}

/** Finds a security group that a machine has among the resources that its fleet uses at a site. */
export function securityGroupAmong(
  items: readonly SiteResource[],
  fleetId: string,
  site: SiteRef,
  wanted: SecurityGroup,
): SiteResource | undefined {
  const name = nameOfGroup(fleetId, site, wanted);
  const identity = sharedIdentityOf(wanted);
  return items.find((item) => (isShared(item) ? hasIdentity(item, identity) : item.name === name));
}
