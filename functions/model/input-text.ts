/** Control characters but tab and line breaks; those of Latin-1 as well. */
const CONTROL = /[^\P{Cc}\t\n\r]/u;

export interface TextFault {
  code: 'invalid-text';
  message: string;
}

/** @returns why a text is none that can be kept and shown; undefined when it is one */
export function findTextFault(text: string): TextFault | undefined {
  if (!text.isWellFormed()) return { code: 'invalid-text', message: 'has half of a surrogate pair in it' };
  if (CONTROL.test(text)) return { code: 'invalid-text', message: 'has a control character in it' };
  return undefined;
}
