/**
 * Holds the UTF-8 bytes of a text, before or after its escapes were decoded. For each byte, `starts` and `ends` give
 * the part of the original text that the byte comes from. Several bytes may come from one part.
 */
export interface Decoded {
  /** One character from U+0000 to U+00FF for each byte. */
  bytes: string;
  /**
   * For each byte, the index in the original text where the byte's part begins. `ends` has the index after the part.
   */
  starts: readonly number[];
  ends: readonly number[];
}

/**
 * Maximum number of decoding passes over a text. An escape that is itself escaped needs several passes. Escapes that
 * are nested more deeply than this number are not decoded.
 */
const MAX_PASSES = 8;

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  ast: '*',
  bsol: '\\',
  colon: ':',
  comma: ',',
  commat: '@',
  dollar: '$',
  equals: '=',
  excl: '!',
  grave: '`',
  gt: '>',
  hat: '^',
  lbrace: '{',
  lbrack: '[',
  lcub: '{',
  lowbar: '_',
  lpar: '(',
  lsqb: '[',
  lt: '<',
  nbsp: ' ',
  newline: '\n',
  num: '#',
  percnt: '%',
  period: '.',
  plus: '+',
  quest: '?',
  quot: '"',
  rbrace: '}',
  rbrack: ']',
  rcub: '}',
  rpar: ')',
  rsqb: ']',
  semi: ';',
  sol: '/',
  tab: '\t',
  verbar: '|',
  vert: '|',
};

/**
 * Selects how ambiguous backslashes are read. `all`: up to nine backslashes before a character belong to the escape,
 * and `\n` becomes a blank. `one`: only the last backslash belongs to the escape, and `\n` becomes the letter n.
 */
export type Backslashes = 'one' | 'all';

/**
 * Returns a pattern that matches the escapes of URLs (`%2F`, `%u002f`), of JSON and programming languages (`\"`,
 * `\u002f`, `\x2f`), and of HTML (`&sol;`, `&#47;`, `&#x2f;`).
 */
function escapes(backslashes: string): RegExp {
  return new RegExp(
    [
      '%(?<percent>[0-9a-f]{2})',
      `(?:%|${backslashes})u(?<high>d[89ab][0-9a-f]{2})(?:%|${backslashes})u(?<low>d[c-f][0-9a-f]{2})`,
      `(?:%|${backslashes})u(?<unit>[0-9a-f]{4})`,
      `${backslashes}u\\{(?<braced>[0-9a-f]{1,6})\\}`,
      `${backslashes}x(?<byte>[0-9a-f]{2})`,
      `${backslashes}(?<space>[abfnrtv])`,
      // A backslash before `%` or `&` is not matched if that character begins an escape. That escape is decoded
      // instead.
      `${backslashes}(?!%u?[0-9a-f]{2}|&#?[0-9a-z]+;)(?<sign>[ -/:-@\\[\\]^_\`{-~])`,
      '&#x(?<hexEntity>[0-9a-f]{1,6});?',
      '&#(?<entity>[0-9]{1,7});?',
      `&(?<name>${Object.keys(ENTITIES).join('|')});`,
    ].join('|'),
    'gi',
  );
}

const ESCAPES: Readonly<Record<Backslashes, RegExp>> = {
  one: escapes('\\\\'),
  all: escapes('\\\\{1,9}'),
};

/** Decodes every escape, then the escapes that the decoding produces, in at most MAX_PASSES passes. */
export function decodeEscapes(bytes: Decoded, backslashes: Backslashes): Decoded {
  let decoded = bytes;
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const next = decodeOnce(decoded, backslashes);
    if (next === decoded) break;
    decoded = next;
  }
  return decoded;
}

/** Returns the bytes of a text without decoding any escape. */
export function bytesOf(text: string): Decoded {
  const starts: number[] = [];
  const ends: number[] = [];
  let bytes = '';
  let at = 0;
  for (const character of text) {
    const spelled = utf8(character);
    bytes += spelled;
    for (let byte = 0; byte < spelled.length; byte += 1) {
      starts.push(at);
      ends.push(at + character.length);
    }
    at += character.length;
  }
  return { bytes, starts, ends };
}

/** Decodes each escape once. @returns the given object itself if the text has no escape */
function decodeOnce(decoded: Decoded, backslashes: Backslashes): Decoded {
  const { bytes, starts, ends } = decoded;
  if (!/[%\\&]/.test(bytes)) return decoded;
  const made = { bytes: '', starts: [] as number[], ends: [] as number[] };
  let copied = 0;
  const copyTo = (end: number) => {
    made.bytes += bytes.slice(copied, end);
    for (let at = copied; at < end; at += 1) {
      made.starts.push(starts[at] ?? 0);
      made.ends.push(ends[at] ?? 0);
    }
  };
  for (const match of bytes.matchAll(ESCAPES[backslashes])) {
    copyTo(match.index);
    copied = match.index + match[0].length;
    const meant = meaningOf(match.groups ?? {}, backslashes);
    made.bytes += meant;
    for (let byte = 0; byte < meant.length; byte += 1) {
      made.starts.push(starts[match.index] ?? 0);
      made.ends.push(ends[copied - 1] ?? 0);
    }
  }
  if (copied === 0) return decoded;
  copyTo(bytes.length);
  return made;
}

function meaningOf(groups: Readonly<Record<string, string | undefined>>, backslashes: Backslashes): string {
  const { percent, byte, space, sign, high, low, unit, braced, hexEntity, entity, name } = groups;
  const plain = percent ?? byte;
  if (plain !== undefined) return String.fromCharCode(Number.parseInt(plain, 16));
  if (sign !== undefined) return sign;
  if (space !== undefined) return backslashes === 'one' || space < 'a' ? space : ' ';
  if (high !== undefined && low !== undefined) {
    return utf8(String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)));
  }
  if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? '';
  const hex = unit ?? braced ?? hexEntity;
  if (hex !== undefined) return characterOf(Number.parseInt(hex, 16));
  return characterOf(Number(entity));
}

const MAX_CODE_POINT = 0x10ffff;

function characterOf(codePoint: number): string {
  if (codePoint > MAX_CODE_POINT) return ' ';
  const character = String.fromCodePoint(codePoint);
  return /\p{Cf}/u.test(character) ? ' ' : utf8(character);
}

function utf8(text: string): string {
  return /^\p{ASCII}*$/u.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
