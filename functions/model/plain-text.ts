/** Matches control characters and line separators, which can control a terminal or end a line. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
/** Matches invisible format characters, which can reverse the text of a line or hide inside a word. */
const UNSEEN = /\p{Cf}/gu;
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const HIGH_SURROGATE_AT_END = /[\ud800-\udbff]$/;

/**
 * Returns untrusted text as one line that is safe to print, log and store. The line has no control character, no
 * invisible character and no unpaired surrogate.
 *
 * @param maxLength in UTF-16 code units; longer text is cut and ends with `…` within that length
 */
export function plainText(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const line = UNSAFE.test(text) ? text.toWellFormed().replace(CONTROLS, ' ').replace(UNSEEN, '') : text;
  return cutText(line, maxLength);
}

/**
 * Cuts a text to a maximum length. @param maxLength in UTF-16 code units; a longer text is cut and ends with `…` within
 * that length
 */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(HIGH_SURROGATE_AT_END, '')}…`;
}

/** Returns true if the text is one line that is safe to print. A text with line breaks or tabs is not plain. */
export function isPlainText(text: string): boolean {
  return !UNSAFE.test(text);
}

/**
 * Returns untrusted text as one line that is safe to print and hides nothing: white space becomes blanks, and the escape
 * sequence `\u….` shows each other control, format or bidirectional character.
 */
export function shownText(text: string): string {
  return UNSAFE.test(text) ? text.replace(/[\t\n\v\f\r]+/g, ' ').replaceAll(UNPRINTABLE, escaped) : text;
}

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');

/** Makes a text of several lines safe to print. Each line is converted with `shownText`. */
export function plainLines(text: string): string {
  return text.split('\n').map(shownText).join('\n');
}

/** Returns a document as JSON text that is safe to print. Parsing the text gives the same values. */
export function plainJson(document: unknown): string {
  return JSON.stringify(document, null, 2).replaceAll(/[^\n\P{C}]|[\p{Zl}\p{Zp}]/gu, escaped);
}
