import { parseLaunchToken } from '../../model/identifiers.ts';
import { listEntryOf } from '../contract/launch-list.ts';

/** Returns the filter values, in EC2's syntax, that match the tag of a machine with this launch token. */
export function valuesWith(token: string): string[] {
  const ref = parseLaunchToken(token);
  return ref ? [token, `${ref.fleetId}:*${listEntryOf(ref)}*`] : [token];
}
