import { parseLaunchToken } from '../../model/identifiers.ts';
import { listEntryOf } from '../contract/launch-list.ts';

/** Returns filter values that match the tag of a machine with this token, in EC2's syntax. */
export function valuesWith(token: string): string[] {
  const ref = parseLaunchToken(token);
  return ref ? [token, `${ref.fleetId}:*${listEntryOf(ref)}*`] : [token];
}
