import { instanceId, launchToken, parseLaunchToken } from '../../model/identifiers.ts';

/**
 * The launch tokens of a batch in one tag: `<fleet id>:00004.1,00005.1,00009.2,`. All machines of one RunInstances call
 * are made with the same tags; the machine with launch index n, which EC2 gives them from 0 without a gap, is that of
 * the n-th token. So each machine proves its token from its first moment, without a further call.
 */
const LIST = /^(f[0-9a-z]{16}):((?:[0-9]{5}\.[0-9]+,)+)$/;

/** EC2's limit for a tag's value. */
const MAX_VALUE = 256;

/** @throws RangeError when they are not of one fleet, or too many for a tag */
export function launchListOf(tokens: readonly string[]): string {
  const refs = tokens.map((token) => {
    const ref = parseLaunchToken(token);
    if (!ref) throw new RangeError(`not a launch token: ${token}`);
    return ref;
  });
  const fleetIds = new Set(refs.map(({ fleetId }) => fleetId));
  const list = `${refs[0]?.fleetId}:${refs.map(entryOf).join('')}`;
  if (fleetIds.size !== 1 || list.length > MAX_VALUE) {
    throw new RangeError(`${tokens.length} launch tokens do not fit into one tag`);
  }
  return list;
}

/**
 * The launch token of a machine.
 *
 * @param value of its tag: one launch token, or a list of them
 * @param launchIndex among the machines that were made with it
 * @returns undefined when the tag tells none
 */
export function tokenAt(value: string, launchIndex: number): string | undefined {
  const [, fleetId, entries] = LIST.exec(value) ?? [];
  if (fleetId === undefined || entries === undefined) return parseLaunchToken(value) ? value : undefined;
  const [index, attempt] = entries.split(',')[launchIndex]?.split('.') ?? [];
  if (!index || !attempt) return undefined;
  return launchToken(instanceId({ fleetId, index: Number(index) }), Number(attempt));
}

/** Values of the tag that a machine of this token may have, as EC2's filters take them. */
export function valuesWith(token: string): string[] {
  const ref = parseLaunchToken(token);
  return ref ? [token, `${ref.fleetId}:*${entryOf(ref)}*`] : [token];
}

function entryOf({ index, attempt }: { index: number; attempt: number }): string {
  return `${String(index).padStart(5, '0')}.${attempt},`;
}
