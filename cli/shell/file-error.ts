/** An error in a file, with its position. Lines and columns count from 1. */
export interface FileError {
  file: string;
  line: number;
  column: number;
  /** JSON pointer of the wrong field. Empty: the whole file. */
  pointer: string;
  code: string;
  message: string;
}

/** Reads a position that `locate` wrote. */
export function positionOf(located: string): Pick<FileError, 'file' | 'line' | 'column'> {
  const [, file = located, line = '1', column = '1'] = /^(.*):(\d+):(\d+)$/s.exec(located) ?? [];
  return { file, line: Number(line), column: Number(column) };
}

/** Returns an error as one line: position, field, message. */
export function fileErrorLine({ file, line, column, pointer, message }: FileError): string {
  return `${file}:${line}:${column}  ${pointer || '/'}: ${message}`;
}
