/** Control characters steer a terminal, and end a line. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
/** Format characters reverse a line, or hide inside a word. */
const UNSEEN = /\p{Cf}/gu;
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const HIGH_SURROGATE_AT_END = /[\ud800-\udbff]$/;

/**
 * Text of others as one line that is safe to print, to log and to store: no control character, no invisible one, no
 * half of a surrogate pair.
 *
 * @param maxLength in UTF-16 code units; what is longer ends with `…` within that length
 */
export function plainText(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const line = UNSAFE.test(text) ? text.toWellFormed().replace(CONTROLS, ' ').replace(UNSEEN, '') : text;
  return cutText(line, maxLength);
}

/** @param maxLength in UTF-16 code units; what is longer ends with `…` within that length */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(HIGH_SURROGATE_AT_END, '')}…`;
}

/** True if the text is safe as it is, line breaks and tabs included in what is not. */
export function isPlainText(text: string): boolean {
  return !UNSAFE.test(text);
}

/** Text of several lines that is safe to print: each line as `plainText` has it. */
export function plainLines(text: string): string {
  return text
    .split('\n')
    .map((line) => plainText(line))
    .join('\n');
}

/** A JSON document whose strings are safe to print; it means the same. */
export function plainJson(document: unknown): string {
  return JSON.stringify(document, null, 2).replaceAll(/[^\n\P{C}]|[\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
