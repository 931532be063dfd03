import { instanceId, launchToken, parseLaunchToken } from '../../model/identifiers.ts';

/**
 * Matches the value of a tag that lists the launch tokens of a batch: `<fleet id>:00004.1,00005.1,00009.2,`. A cloud
 * that makes several machines in one call gives all of them the same tags, and numbers them without a gap. The n-th
 * machine belongs to the n-th token. Therefore the tag and the machine's number tell the machine's token as soon as the
 * machine exists.
 */
const LIST = /^(f[0-9a-z]{16}):((?:[0-9]{5}\.[0-9]+,)+)$/;

/**
 * Maximum length of a tag's value, in characters. Nova allows 255, EC2 256. `launchListOf` throws for a longer list.
 */
const MAX_VALUE = 255;

/**
 * Returns the tag's value for a list of launch tokens. @throws RangeError if a token is invalid, the tokens belong to
 * several fleets, or the list is too long for a tag
 */
export function launchListOf(tokens: readonly string[]): string {
  const refs = tokens.map((token) => {
    const ref = parseLaunchToken(token);
    if (!ref) throw new RangeError(`${token} is not a launch token`);
    return ref;
  });
  const fleetIds = new Set(refs.map(({ fleetId }) => fleetId));
  const list = `${refs[0]?.fleetId}:${refs.map(listEntryOf).join('')}`;
  if (fleetIds.size !== 1 || list.length > MAX_VALUE) {
    throw new RangeError(`${tokens.length} launch tokens do not fit into one tag`);
  }
  return list;
}

/**
 * Returns the launch token of a machine.
 *
 * @param value the value of the machine's tag: one launch token, or a list of launch tokens
 * @param launchIndex the machine's index in its create call, from 0; undefined if unknown
 * @returns undefined if the tag has no token for this machine
 */
export function tokenAt(value: string, launchIndex: number | undefined): string | undefined {
  const [, fleetId, entries] = LIST.exec(value) ?? [];
  if (fleetId === undefined || entries === undefined) return parseLaunchToken(value) ? value : undefined;
  const [index, attempt] =
    (launchIndex === undefined ? '' : entries.split(',')[launchIndex])?.split('.') ?? [];
  if (!index || !attempt) return undefined;
  return launchToken(instanceId({ fleetId, index: Number(index) }), Number(attempt));
}

export function listEntryOf({ index, attempt }: { index: number; attempt: number }): string {
  return `${String(index).padStart(5, '0')}.${attempt},`;
}
