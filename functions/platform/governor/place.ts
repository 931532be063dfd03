import type { LimitProfile } from '../../model/limit-profile.ts';
import { callKey } from '../store/keys.ts';

/** A connection at a location. */
export interface PlaceKey {
  connectionKey: string;
  location: string;
}

/** The same, with what the cloud allows there. */
export interface GovernedPlace extends PlaceKey {
  limits: LimitProfile;
}

/** Key of what the governor knows of creating at a place. */
export const createKey = ({ connectionKey, location }: PlaceKey) =>
  callKey(connectionKey, location, 'create');
