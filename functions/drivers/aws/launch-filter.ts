import { parseLaunchToken } from '../../model/identifiers.ts';
import { listEntryOf } from '../contract/launch-list.ts';

/**
 * Returns the values for an EC2 filter by TOKEN_TAG: the launch token itself, and a pattern that matches a batch's list
 * of tokens if the list contains this token.
 */
export function valuesWith(token: string): string[] {
  const ref = parseLaunchToken(token);
  return ref ? [token, `${ref.fleetId}:*${listEntryOf(ref)}*`] : [token];
}
