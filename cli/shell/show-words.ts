import type { UnknownWordsView } from '../../functions/model/unknown-words.ts';
import { table } from './table.ts';

/** Maximum number of characters of an example in the table. `--json` has the whole example. */
const LONGEST_EXAMPLE = 120;

/** Returns a table of the texts that the driver does not understand. */
export function unknownWordsText({ items }: UnknownWordsView): string {
  if (items.length === 0)
    return 'The driver has understood every answer of this cloud in the last 30 days.\n';
  const rows = items.map(({ count, lastSeenAt, call, code, example }) => [
    count,
    lastSeenAt,
    call,
    code,
    example.length > LONGEST_EXAMPLE ? `${example.slice(0, LONGEST_EXAMPLE)}…` : example,
  ]);
  const head = ['COUNT', 'LAST SEEN', 'CALL', 'TREATED AS', 'EXAMPLE'];
  return `${table(head, rows)}\nReport them as docs/operations/unknown-words.md tells, so that the driver learns them.\n`;
}
