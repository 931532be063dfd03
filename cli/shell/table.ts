import { shownText } from '../../functions/model/plain-text.ts';

export type Cell = string | number | boolean | undefined | null;

const printed = (cell: Cell): string =>
  cell === undefined || cell === null || cell === '' ? '-' : shownText(String(cell));

/** Formats a table. Columns are two blanks apart, numbers are right-aligned, and lines have no trailing blanks. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return 'none\n';
  const numeric = heads.map(
    (_, at) =>
      rows.some((row) => typeof row[at] === 'number') &&
      rows.every((row) => typeof row[at] === 'number' || row[at] === undefined),
  );
  const lines = [
    heads.map((head) => head.toUpperCase()),
    ...rows.map((row) => heads.map((_, at) => printed(row[at]))),
  ];
  const widths = heads.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, at) => (numeric[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return `${text.join('\n')}\n`;
}

/** Formats the fields of one item, one on each line. Leaves out fields without a value. */
export function fields(pairs: readonly (readonly [string, Cell])[]): string {
  const present = pairs.filter(([, value]) => value !== undefined && value !== null && value !== '');
  const width = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${name.padEnd(width)}  ${printed(value)}\n`).join('');
}
