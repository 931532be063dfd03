import { SPELLINGS } from './spellings.ts';

/**
 * Minimum number of consecutive characters of a canary that count as a leak. Fewer characters are of no use
 * to an attacker.
 */
const LEAK_SIZE = 12;
/**
 * The search looks for stretches (parts of a canary) whose length is a multiple of this number. The search is
 * faster if there are few different lengths.
 */
const STEP = 4;
const INNER = ['raw', 'json', 'url', 'url-form', 'html'];
const MAX_SHIFT = 3;

/**
 * Finds canaries in texts, without the product's code that removes secrets. Writes each canary in each
 * spelling (way of writing a secret), and searches for long parts (stretches) of the results.
 */
export class CanaryFinder {
  /** Maps a length to the stretches of that length, of all canaries in all spellings. */
  readonly #stretches = new Map<number, Set<string>>();

  constructor(canaries: readonly string[]) {
    for (const canary of canaries) {
      const other = canary.replaceAll(/[A-Za-z0-9]/g, (character) => (character === 'x' ? 'q' : 'x'));
      for (const spell of waysToWrite()) {
        const written = squeezed(spell(canary));
        const size = Math.max(
          LEAK_SIZE,
          STEP * Math.floor((LEAK_SIZE * written.length) / canary.length / STEP),
        );
        const stretches = this.#stretches.get(size) ?? new Set();
        this.#stretches.set(size, stretches);
        for (const stretch of stretchesOf(withoutEnds(written, squeezed(spell(other))), size)) {
          stretches.add(stretch);
        }
      }
    }
  }

  /**
   * Searches a text. White space is ignored.
   *
   * @returns the stretch of a canary that the text contains; undefined if there is none
   */
  find(text: string): string | undefined {
    const [exact, folded] = [squeezed(text), squeezed(text.toLowerCase())];
    for (const [size, stretches] of this.#stretches) {
      for (const looked of [exact, folded]) {
        for (let at = 0; at + size <= looked.length; at += 1) {
          const stretch = looked.slice(at, at + size);
          if (stretches.has(stretch)) return stretch;
        }
      }
    }
    return undefined;
  }
}

/**
 * Removes the beginning and the end that `text` has in common with `other`. Both texts are in one spelling,
 * so the common parts belong to the spelling.
 */
function withoutEnds(text: string, other: string): string {
  let start = 0;
  while (start < text.length && text[start] === other[start]) start += 1;
  let end = 0;
  while (end < text.length - start && text.at(-1 - end) === other.at(-1 - end)) end += 1;
  return text.slice(start, text.length - end);
}

/** Removes white space and control characters, because a secret that contains them can still be read. */
const squeezed = (text: string): string => text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, '');

function stretchesOf(text: string, size: number): string[] {
  return Array.from({ length: Math.max(0, text.length - size + 1) }, (_, at) => text.slice(at, at + size));
}

function waysToWrite(): ((canary: string) => string)[] {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const inner = SPELLINGS.filter(({ name }) => INNER.includes(name));
  const shifts = Array.from({ length: MAX_SHIFT }, (_, shift) => '~'.repeat(shift));
  return [
    ...SPELLINGS.map(({ spell }) => spell),
    ...SPELLINGS.map(
      ({ spell }) =>
        (canary: string) =>
          spell(canary).toLowerCase(),
    ),
    // Base64 encodes groups of three bytes, so the result depends on the text before the canary. Encode the
    // canary after 0, 1 and 2 other bytes.
    ...inner.flatMap(({ spell }) => [
      ...shifts.map((before) => (canary: string) => base64(`${before}${spell(canary)}~~`)),
      ...shifts.map((before) => (canary: string) => base64(base64(`${before}${spell(canary)}~~`))),
      (canary: string) => Buffer.from(spell(canary)).toString('hex'),
    ]),
  ];
}
