import { plainText } from '../../functions/model/plain-text.ts';

/** An error in a file, with its position. Lines and columns count from 1. */
export interface FileError {
  file: string;
  line: number;
  column: number;
  /** JSON pointer of the wrong field. Empty: the whole file. */
  pointer: string;
  code: string;
  message: string;
  /** The text of the line. Absent: the file has no such line. */
  source?: string;
}

/** Longest part of a line that is shown. */
const SHOWN_CHARACTERS = 100;
/** Characters before the column that are shown when a line is longer. */
const SHOWN_BEFORE = 60;

/** Reads a position that `locate` wrote. */
export function positionOf(located: string): Pick<FileError, 'file' | 'line' | 'column'> {
  const [, file = located, line = '1', column = '1'] = /^(.*):(\d+):(\d+)$/s.exec(located) ?? [];
  return { file, line: Number(line), column: Number(column) };
}

/** Returns the line of an error's position with a caret below the column, as two lines. Empty: the line is not known. */
export function sourceLines({ line, column, source }: FileError): string[] {
  if (source === undefined) return [];
  const from = source.length <= SHOWN_CHARACTERS ? 0 : Math.max(0, column - 1 - SHOWN_BEFORE);
  const shown = plainText(source.slice(from, from + SHOWN_CHARACTERS).replaceAll('\t', ' '));
  const number = String(line);
  return [
    `${number} | ${shown}`.trimEnd(),
    `${' '.repeat(number.length)} | ${' '.repeat(Math.min(column - 1 - from, shown.length))}^`,
  ];
}

/** Returns an error as one line: position, field, message. */
export function fileErrorLine({ file, line, column, pointer, message }: FileError): string {
  return `${file}:${line}:${column}  ${pointer || '/'}: ${message}`;
}
