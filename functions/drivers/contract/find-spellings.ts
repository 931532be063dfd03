import { layersOf } from './decode-layers.ts';
import { bytesOf, type Decoded, decodeEscapes } from './decode-spellings.ts';

/** A part of a text: the index of its first character, and the index after its last character. */
export type Part = readonly [start: number, end: number];

const LAST_BLANK = 0x20;
const DELETE = 0x7f;
/** UTF-8 characters that readers cannot see: zero width, direction marks, soft hyphen, no-break space. */
const INVISIBLE =
  /\u00e2\u0080[\u008b-\u008f\u00a8-\u00ae]|\u00e2\u0081[\u00a0-\u00af]|\u00ef\u00bb\u00bf|\u00c2[\u00a0\u00ad]/g;
/** Characters that escaping adds or removes. The search ignores them in the values and in the text. */
const UNCOUNTED: ReadonlySet<string> = new Set(['\\', '"', "'", '`', '+']);

/**
 * Finds values in a text, in every form (spelling) in which a cloud may repeat a value: in upper or lower case, broken
 * into lines, escaped in whole or in part (also repeatedly), in base64, or as hexadecimal or decimal digits. Each
 * stretch of a value that is long enough counts as a match. Therefore a value that was cut off is found, too.
 */
export class SpellingFinder {
  readonly #stretches = new Map<number, Set<string>>();
  readonly #maxLayers: number;
  /** The length of the shortest text that can contain a match. */
  readonly shortest: number;

  /**
   * @param stretchOf takes a value's length, and returns how many of its consecutive characters count as a match;
   * undefined if the value must not be searched for
   * @param maxLayers maximum depth to which nested base64 and digits are decoded
   */
  constructor(
    values: readonly string[],
    stretchOf: (length: number) => number | undefined,
    maxLayers: number,
  ) {
    this.#maxLayers = maxLayers;
    for (const value of values) {
      for (const text of readingsOf(value)) {
        const size = stretchOf(text.length);
        if (size === undefined) continue;
        const stretches = this.#stretches.get(size) ?? new Set();
        this.#stretches.set(size, stretches);
        for (let at = 0; at + size <= text.length; at += 1) stretches.add(text.slice(at, at + size));
      }
    }
    this.shortest = Math.min(...this.#stretches.keys());
  }

  /** Finds all values in the text. @returns the parts in any order; they may overlap */
  find(text: string): Part[] {
    if (text.length < this.shortest) return [];
    const bytes = bytesOf(text);
    const decoded = decodeEscapes(bytes, 'all');
    // The undecoded text is searched as well: a backslash or percent sign in it may be an ordinary character.
    const others = decoded === bytes ? [] : [bytes, decodeEscapes(bytes, 'one')];
    return [...this.#findIn(decoded, 0), ...others.flatMap((one) => this.#findPlain(one))];
  }

  #findIn(decoded: Decoded, depth: number): Part[] {
    const found = this.#findPlain(decoded);
    if (depth === this.#maxLayers) return found;
    const layers = layersOf(decoded, this.shortest).map((layer) => decodeEscapes(layer, 'all'));
    return [...found, ...layers.flatMap((layer) => this.#findIn(layer, depth + 1))];
  }

  #findPlain(decoded: Decoded): Part[] {
    const { text, indices } = countedOf(decoded);
    const found: Part[] = [];
    for (const [size, stretches] of this.#stretches) {
      for (let at = 0; at + size <= text.length; at += 1) {
        if (!stretches.has(text.slice(at, at + size))) continue;
        const first = indices[at] ?? 0;
        const last = indices[at + size - 1] ?? 0;
        found.push([decoded.starts[first] ?? 0, decoded.ends[last] ?? 0]);
      }
    }
    return found;
  }
}

/**
 * Returns the characters that count of a value, in each way to read its backslashes and percent signs. The `\r` in a
 * value is a blank if it is an escape. If a cloud writes other characters between the two, the letter is left.
 */
function readingsOf(value: string): ReadonlySet<string> {
  const bytes = bytesOf(value);
  const readings = [bytes, decodeEscapes(bytes, 'one'), decodeEscapes(bytes, 'all')];
  return new Set(readings.map((reading) => countedOf(reading).text));
}

/**
 * Returns the characters of a text that count in a comparison, in lower case. `indices` has the index of each returned
 * character in `bytes`.
 */
function countedOf({ bytes }: Decoded): { text: string; indices: number[] } {
  const indices: number[] = [];
  let text = '';
  const unseen = new Set(
    [...bytes.matchAll(INVISIBLE)].flatMap(({ index, 0: match }) => [...match].map((_, at) => index + at)),
  );
  for (let at = 0; at < bytes.length; at += 1) {
    const character = bytes[at] ?? '';
    const code = bytes.charCodeAt(at);
    if (code <= LAST_BLANK || code === DELETE || UNCOUNTED.has(character) || unseen.has(at)) continue;
    text += character;
    indices.push(at);
  }
  // Only ASCII letters are changed to lower case: the bytes of other characters have no case.
  return { text: text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase()), indices };
}

/** Replaces each part by a mark. One mark replaces all parts that touch or overlap. */
export function replaceParts(text: string, parts: readonly Part[], mark: string): string {
  let result = '';
  let at = 0;
  for (const [start, end] of parts.toSorted(([one], [other]) => one - other)) {
    if (end <= at) continue;
    if (start > at || at === 0) result += `${text.slice(at, Math.max(at, start))}${mark}`;
    at = end;
  }
  return result + text.slice(at);
}
