import { distance } from 'fastest-levenshtein';

/** Longest word that is compared, in characters. The work grows with the product of both lengths. */
const LONGEST = 64;

/** Most letters that may differ. Two letters in the wrong order count as two. */
const MOST_CHANGES = 3;
/** Smallest share of the longer word's letters that must be the same. */
const LEAST_SIMILARITY = 0.4;

/**
 * Returns the known word that a mistyped word most likely means. Upper and lower case do not count as different.
 *
 * @returns undefined if no known word is close
 */
export function closestWord(word: string, known: Iterable<string>): string | undefined {
  if (word.length > LONGEST) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let fewest = MOST_CHANGES + 1;
  for (const one of known) {
    const changes = distance(wanted, one.slice(0, LONGEST).toLowerCase());
    const isSimilar = 1 - changes / Math.max(word.length, one.length) > LEAST_SIMILARITY;
    if (changes < fewest && isSimilar) {
      fewest = changes;
      best = one;
    }
  }
  return best;
}

/** Returns the question whether the user meant another word, to be added to a message. Empty: no word is close. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const meant = closestWord(word, known);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}
