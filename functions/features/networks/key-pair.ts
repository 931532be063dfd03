import type { PublicKey } from '../../model/ssh-public-key.ts';
import { isShared, type SiteResource } from '../../platform/store/site-networks.ts';
import type { SiteRef } from '../../platform/worker/context.ts';
import { keyPairName } from './network-names.ts';
import { hasIdentity, keyPairIdentity } from './shared-names.ts';

/**
 * Finds a key pair among the resources that a fleet uses at a site.
 *
 * @param key the user's own public key. Absent: the key that the deployment has made for the fleet
 */
export function keyPairAmong(
  items: readonly SiteResource[],
  fleetId: string,
  site: SiteRef,
  key: PublicKey | undefined,
): SiteResource | undefined {
  const name = keyPairName(fleetId, site, key);
  const identity = key && keyPairIdentity(key.text);
  return items.find((item) => {
    if (item.kind !== 'key-pair') return false;
    return isShared(item) ? hasIdentity(item, identity) : item.name === name;
  });
}
