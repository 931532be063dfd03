import { SPELLINGS } from './spellings.ts';

/** Of a canary so many characters in a row are a find. Fewer are of no use to a thief. */
const TOLD = 12;
/** Stretches of few lengths are looked for in less time. */
const STEP = 4;
const INNER = ['raw', 'json', 'url', 'url-form', 'html'];
const MAX_SHIFT = 3;

/**
 * Finds canaries in texts. It knows nothing of how they are taken out: it writes each canary in each spelling, and looks
 * for long stretches of what it has written.
 */
export class CanaryFinder {
  /** Stretches by their length. */
  readonly #stretches = new Map<number, Set<string>>();

  constructor(canaries: readonly string[]) {
    for (const canary of canaries) {
      const other = canary.replaceAll(/[A-Za-z0-9]/g, (character) => (character === 'x' ? 'q' : 'x'));
      for (const spell of waysToWrite()) {
        const written = squeezed(spell(canary));
        const size = Math.max(TOLD, STEP * Math.floor((TOLD * written.length) / canary.length / STEP));
        const stretches = this.#stretches.get(size) ?? new Set();
        this.#stretches.set(size, stretches);
        for (const stretch of stretchesOf(withoutEnds(written, squeezed(spell(other))), size)) {
          stretches.add(stretch);
        }
      }
    }
  }

  /** @returns what of a canary stands in the text, as it stands there; undefined: nothing */
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

/** What is before and after the part in which two texts differ comes from the spelling. */
function withoutEnds(text: string, other: string): string {
  let start = 0;
  while (start < text.length && text[start] === other[start]) start += 1;
  let end = 0;
  while (end < text.length - start && text.at(-1 - end) === other.at(-1 - end)) end += 1;
  return text.slice(start, text.length - end);
}

/** Line breaks and blanks hide nothing. */
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
    // As a part of a longer text, at each alignment.
    ...inner.flatMap(({ spell }) => [
      ...shifts.map((before) => (canary: string) => base64(`${before}${spell(canary)}~~`)),
      ...shifts.map((before) => (canary: string) => base64(base64(`${before}${spell(canary)}~~`))),
      (canary: string) => Buffer.from(spell(canary)).toString('hex'),
    ]),
  ];
}
