import { instanceId, launchToken, parseLaunchToken } from '../../model/identifiers.ts';

/**
 * Matches the value of a tag that lists the launch tokens of a batch: `<fleet id>:1:00040005000a,2:0007`, with the attempt
 * before the positions that have it, and four characters (base 36) for each position. A cloud that makes several machines
 * in one call gives all of them the same tags, and numbers them without a gap. The n-th machine belongs to the n-th token.
 * Therefore the tag and the machine's number tell the machine's token as soon as the machine exists.
 */
const LIST = /^(f[0-9a-z]{16}):([0-9]+:(?:[0-9a-z]{4})+(?:,[0-9]+:(?:[0-9a-z]{4})+)*)$/;
const DIGITS = 4;
const BASE = 36;

/** Matches a list as earlier releases wrote it: `<fleet id>:00004.1,00005.1,`. */
const EARLIER_LIST = /^(f[0-9a-z]{16}):((?:[0-9]{5}\.[0-9]+,)+)$/;

/** Maximum length of a tag's value, in characters. Nova allows 255, EC2 256. */
const MAX_VALUE = 255;
/** Maximum number of launch tokens of one attempt in the value of one tag, if the attempt has up to 4 digits. */
export const MAX_LISTED = 58;

/**
 * Returns the tags' values for the launch tokens of a batch, in order. A value has as many tokens as fit. Tokens that are
 * sorted by attempt need the least space.
 *
 * @throws RangeError if a token is invalid, or the tokens belong to several fleets
 */
export function launchListsOf(tokens: readonly string[]): string[] {
  const values: string[] = [];
  let attempt: number | undefined;
  for (const token of tokens) {
    const ref = parseLaunchToken(token);
    if (!ref) throw new RangeError(`${token} is not a launch token`);
    const head = `${ref.fleetId}:`;
    if (values.some((value) => !value.startsWith(head)))
      throw new RangeError('the launch tokens of a batch belong to one fleet');
    const last = values.at(-1);
    const longer = last && `${last}${ref.attempt === attempt ? '' : `,${ref.attempt}:`}${entryOf(ref.index)}`;
    if (longer !== undefined && longer.length <= MAX_VALUE) values[values.length - 1] = longer;
    else values.push(`${head}${ref.attempt}:${entryOf(ref.index)}`);
    attempt = ref.attempt;
  }
  return values;
}

/**
 * Returns the launch token of a machine.
 *
 * @param values the values of the machine's tags, in order: one launch token, or lists of launch tokens
 * @param launchIndex the machine's index in its create call, from 0; undefined if unknown
 * @returns undefined if the tags have no token for this machine
 */
export function tokenAt(values: readonly string[], launchIndex: number | undefined): string | undefined {
  const [first = ''] = values;
  if (parseLaunchToken(first)) return first;
  return launchIndex === undefined ? undefined : values.flatMap(tokensIn)[launchIndex];
}

function tokensIn(value: string): string[] {
  const [, fleetId = '', parts] = LIST.exec(value) ?? [];
  if (parts === undefined) return earlierTokensIn(value);
  return parts.split(',').flatMap((part) => {
    const [attempt, entries = ''] = part.split(':');
    const all = entries.match(new RegExp(`.{${DIGITS}}`, 'g')) ?? [];
    return all.map((entry) =>
      launchToken(instanceId({ fleetId, index: Number.parseInt(entry, BASE) }), Number(attempt)),
    );
  });
}

function earlierTokensIn(value: string): string[] {
  const [, fleetId = '', entries = ''] = EARLIER_LIST.exec(value) ?? [];
  return entries
    .split(',')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [index, attempt] = entry.split('.');
      return launchToken(instanceId({ fleetId, index: Number(index) }), Number(attempt));
    });
}

/**
 * Returns patterns, with `*` for any characters, of which one matches each list with this token. A list that matches may
 * lack the token, because the pattern does not know where a position begins.
 */
export function listPatternsOf(token: string): string[] {
  const ref = parseLaunchToken(token);
  if (!ref) return [];
  const { fleetId, index, attempt } = ref;
  return [
    `${fleetId}:*${attempt}:*${entryOf(index)}*`,
    `${fleetId}:*${String(index).padStart(5, '0')}.${attempt},*`,
  ];
}

const entryOf = (index: number): string => index.toString(BASE).padStart(DIGITS, '0');
