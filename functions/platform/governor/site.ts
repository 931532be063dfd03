import type { LimitProfile } from '../../model/limit-profile.ts';
import { callKey } from '../store/keys.ts';

/** A connection at a location. */
export interface SiteKey {
  connectionKey: string;
  location: string;
}

/** The same, with what the cloud allows there. */
export interface GovernedSite extends SiteKey {
  limits: LimitProfile;
}

/** Key of what the governor knows of creating at a site. */
export const createKey = ({ connectionKey, location }: SiteKey) => callKey(connectionKey, location, 'create');
