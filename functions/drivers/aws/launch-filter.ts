import { parseLaunchToken } from '../../model/identifiers.ts';
import { listEntryOf } from '../contract/launch-list.ts';

/** Values of the tag that a machine of this token may have, as EC2's filters take them. */
export function valuesWith(token: string): string[] {
  const ref = parseLaunchToken(token);
  return ref ? [token, `${ref.fleetId}:*${listEntryOf(ref)}*`] : [token];
}
