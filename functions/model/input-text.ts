/** Matches control characters, including the control characters of Latin-1, except tabs and line breaks. */
const CONTROL = /[^\P{Cc}\t\n\r]/u;

export interface TextFault {
  code: 'invalid-text';
  message: string;
}

/** Checks a text from a user. @returns the reason why the text cannot be stored and shown; undefined if it can */
export function findTextFault(text: string): TextFault | undefined {
  if (!text.isWellFormed())
    return { code: 'invalid-text', message: 'must be valid Unicode: it contains half of a surrogate pair' };
  if (CONTROL.test(text))
    return { code: 'invalid-text', message: 'must have no control characters except tabs and line breaks' };
  return undefined;
}
