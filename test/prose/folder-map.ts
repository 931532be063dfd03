import { posix } from 'node:path';

/**
 * The folders and files with which the map of CONTRIBUTING.md is compared. Paths are relative to the root and
 * have forward slashes.
 */
export interface Tree {
  /** Every folder that contains a file, directly or in a folder below it. */
  folders: readonly string[];
  exists(path: string): boolean;
}

/** A row of the map: a folder, and the file in the folder that a reader opens first. */
interface Row {
  line: number;
  folder: string;
  begin: string;
}

const HEADING = '## Where things are';
const ROW = /^\| `([^`]+)` *\|.*\| `([^`]+)` *\|$/;
/**
 * Maximum number of names in the path of a folder on the map. The key is the first name of the path. A
 * deeper folder needs no row.
 */
const DEPTHS: ReadonlyMap<string, number> = new Map([
  ['functions', 4],
  ['local', 3],
]);
const OTHER_DEPTH = 2;

/** Compares the map of CONTRIBUTING.md with the tree. @returns one line for each difference */
export function mapFaults(page: string, { folders, exists }: Tree): string[] {
  const rows = rowsOf(page);
  if (rows.length === 0) return [`there is no row below "${HEADING}"`];
  const named = new Set(rows.map(({ folder }) => folder));
  const present = new Set(folders);
  return [
    ...folders
      .filter((folder) => isOnMap(folder) && !named.has(folder))
      .map((folder) => `${folder}: the map has no row; say what is in it, and which file to begin with`),
    ...rows.flatMap(({ line, folder, begin }, at) => {
      if (!present.has(folder)) return [`line ${line}: there is no folder ${folder}`];
      const file = posix.join(folder, begin);
      return [
        ...(exists(file) ? [] : [`line ${line}: there is no file ${file}`]),
        ...(rows.findIndex((row) => row.folder === folder) < at
          ? [`line ${line}: ${folder} has a row already`]
          : []),
      ];
    }),
  ];
}

function rowsOf(page: string): Row[] {
  const lines = page.split('\n');
  const from = lines.indexOf(HEADING);
  const to = lines.findIndex((line, at) => at > from && line.startsWith('## '));
  if (from < 0) return [];
  return lines.slice(from, to < 0 ? undefined : to).flatMap((content, at): Row[] => {
    const [, folder, begin] = ROW.exec(content) ?? [];
    return folder === undefined || begin === undefined ? [] : [{ line: from + at + 1, folder, begin }];
  });
}

function isOnMap(folder: string): boolean {
  const parts = folder.split('/');
  return parts.length <= (DEPTHS.get(parts[0] ?? '') ?? OTHER_DEPTH);
}
