import type { Warning } from '../../functions/model/warning.ts';
import type { Context } from './context.ts';
import { pathOf } from './yaml-file.ts';

/**
 * Prints the warnings of an answer to standard error.
 *
 * @param locate finds a part of the request in its file. Absent: the request was given by flags
 */
export function sayWarnings(
  context: Pick<Context, 'say'>,
  warnings: readonly Warning[] = [],
  locate?: (path: readonly PropertyKey[]) => string,
): void {
  for (const { pointer, message } of warnings) {
    const where = locate ? `${locate(pathOf(pointer))}  ${pointer}` : pointer;
    context.say(`Warning: ${where}: ${message}`);
  }
}
