import type { LimitProfile } from '../../model/limit-profile.ts';
import { callKey } from '../store/keys.ts';

/** A site: one connection at one location. */
export interface SiteKey {
  connectionKey: string;
  location: string;
}

/** A site with the limit profile of its connection. */
export interface GovernedSite extends SiteKey {
  limits: LimitProfile;
}

/** Returns the key of a site's `SiteState`. */
export const createKey = ({ connectionKey, location }: SiteKey) => callKey(connectionKey, location, 'create');
