import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mapFaults } from '../../prose/folder-map.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Folders that .gitignore lists: folders with installed or generated files. */
const NOT_OURS: ReadonlySet<string> = new Set(
  readFileSync(join(ROOT, '.gitignore'), 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('/'))
    .map((line) => line.slice(0, -1)),
);
/** Folders of the repository that begin with a dot. Other such folders belong to editors and tools. */
const OURS: ReadonlySet<string> = new Set(['.ci', '.github']);

/**
 * Returns the folders that contain a file, and the folders above them. Does not use git, because the archive
 * of a release is not a git repository.
 */
function foldersBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const isOurs = !NOT_OURS.has(entry.name) && (!entry.name.startsWith('.') || OURS.has(entry.name));
    if (!entry.isDirectory() || !isOurs || entry.name === '__pycache__') return [];
    const below = foldersBelow(path);
    const hasFile = readdirSync(join(ROOT, path), { withFileTypes: true }).some((one) => one.isFile());
    return hasFile || below.length > 0 ? [path, ...below] : [];
  });
}

it('the map of CONTRIBUTING.md has every folder, and names only folders and files that exist', () => {
  const page = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const folders = foldersBelow('');
  expect(folders).toContain('functions/features/poller');
  expect(mapFaults(page, { folders, exists: (path) => existsSync(join(ROOT, path)) })).toEqual([]);
});

describe('mapFaults', () => {
  const page = [
    '# Contributing',
    '## Where things are',
    '| folder | what is in it | begin with |',
    '| ------ | ------------- | ---------- |',
    '| `cli` | the command line | `main.ts` |',
    '| `cli/shell` | what commands share | `command.ts` |',
    '## Tests',
    '| `bench` | not of the map | `bench.ts` |',
  ].join('\n');
  const tree = { folders: ['cli', 'cli/shell'], exists: () => true };

  it("mapFaults reports nothing if the map has a row for each folder, and each row's folder and file exist", () => {
    expect(mapFaults(page, tree)).toEqual([]);
  });

  it('mapFaults reports a folder that has no row in the map', () => {
    expect(mapFaults(page, { ...tree, folders: [...tree.folders, 'bench'] })).toEqual([
      'bench: the map has no row; say what is in it, and which file to begin with',
    ]);
  });

  it('a folder below the depth of the map needs no row', () => {
    expect(mapFaults(page, { ...tree, folders: [...tree.folders, 'cli/shell/colours'] })).toEqual([]);
  });

  it('mapFaults reports a missing folder, and a missing file of the column `begin with`', () => {
    expect(mapFaults(page, { folders: ['cli'], exists: (path) => path !== 'cli/main.ts' })).toEqual([
      'line 5: there is no file cli/main.ts',
      'line 6: there is no folder cli/shell',
    ]);
  });

  it('mapFaults reports a folder that has two rows', () => {
    const twice = page.replace('## Tests', '| `cli` | again | `main.ts` |\n## Tests');
    expect(mapFaults(twice, tree)).toEqual(['line 7: cli has a row already']);
  });

  it('mapFaults reports a page that has no map', () => {
    expect(mapFaults('# Contributing\n', tree)).toEqual(['there is no row below "## Where things are"']);
  });
});
