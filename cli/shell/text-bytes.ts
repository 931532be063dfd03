import { isUtf8 } from 'node:buffer';
import { fileError } from './exit.ts';
import type { FileError } from './file-error.ts';

/** Largest file in bytes that a command reads. An API takes no larger request, and larger YAML takes long to parse. */
export const MOST_BYTES = 1024 * 1024;

const BYTE_ORDER_MARK = /^\ufeff/;
const NEWLINE = 0x0a;

/**
 * Returns the text of a file, without a byte order mark.
 *
 * @param name of the file, for errors
 * @param bytes the file's content; a content that was cut after `MOST_BYTES` counts as too large
 * @throws CliError (wrong use) if the file is too large, or is no text in UTF-8
 */
export function textFrom(name: string, bytes: Uint8Array): string {
  if (bytes.byteLength > MOST_BYTES) {
    throw refused(name, { code: 'too-big', message: 'the file has more than 1 MiB' });
  }
  const content = Buffer.from(bytes);
  const nul = content.indexOf(0);
  if (nul >= 0) {
    const message = 'the file is binary: it has a NUL byte here';
    throw refused(name, { ...positionAt(content, nul), code: 'not-text', message });
  }
  if (!isUtf8(content)) {
    const at = firstBadByte(content);
    // The message does not repeat the byte, because the file may be a secret.
    const message = 'the text is not UTF-8 from here on; save the file in UTF-8';
    throw refused(name, { ...positionAt(content, at), code: 'not-utf-8', message });
  }
  return content.toString('utf8').replace(BYTE_ORDER_MARK, '');
}

function refused(name: string, error: Pick<FileError, 'code' | 'message'> & Partial<FileError>) {
  const full: FileError = { file: name, line: 1, column: 1, pointer: '', ...error };
  return fileError(`${name} cannot be read as text`, 'Give a text file in UTF-8 of at most 1 MiB.', [full]);
}

/** Returns line and column of a byte. The bytes before it on its line are read as far as they are text. */
function positionAt(content: Buffer, at: number): Pick<FileError, 'line' | 'column'> {
  const lineStart = at === 0 ? 0 : content.lastIndexOf(NEWLINE, at - 1) + 1;
  const line = content.subarray(0, lineStart).reduce((sum, byte) => sum + (byte === NEWLINE ? 1 : 0), 1);
  return { line, column: [...content.toString('utf8', lineStart, at)].length + 1 };
}

/** Returns the index of the first byte that does not belong to a character. */
function firstBadByte(content: Buffer): number {
  let good = 0;
  let bad = content.length;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isPrefixOfText(content.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  // The bytes before may end within a character, which then is the one that is wrong.
  while (!isUtf8(content.subarray(0, good))) good -= 1;
  return good;
}

/** Returns true if bytes are UTF-8, or become UTF-8 when the character at their end is completed. */
function isPrefixOfText(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
