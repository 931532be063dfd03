import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { brokenLinks, type Repository } from './broken-links.ts';
import { refusedWords } from './refused-words.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Files that people read. */
const ENDINGS: ReadonlySet<string> = new Set(['.ts', '.mjs', '.cjs', '.md', '.json', '.yaml', '.yml', '.sh']);
/** What is installed or made, and not written here. */
const NOT_OURS: ReadonlySet<string> = new Set([
  'node_modules',
  'cdk.out',
  'coverage',
  '.git',
  '.fleetwright',
  '.installing',
]);
/** The list of refused words and its test; a command line with the name of a Unix user. */
const EXCEPT = [/^package-lock\.json$/, /^test\/(unit\/)?prose\//, /^test\/openstack\/services\.ts$/];

const repository: Repository = {
  folders: new Set(
    readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !NOT_OURS.has(entry.name))
      .map(({ name }) => name),
  ),
  exists: (path) => existsSync(join(ROOT, path)),
  read: (path) => readFileSync(join(ROOT, path), 'utf8'),
};

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : filesBelow(path);
    return entry.isFile() && ENDINGS.has(extname(entry.name)) ? [path] : [];
  });
}

function tell(found: string[], advice: string): void {
  if (found.length === 0) return;
  process.stderr.write(`${found.join('\n')}\n${found.length} ${advice}\n`);
  process.exitCode = 1;
}

const files = filesBelow(ROOT)
  .map((path) => relative(ROOT, path))
  .filter((path) => !EXCEPT.some((pattern) => pattern.test(path)))
  .map((path) => ({ path, text: repository.read(path) }));
tell(
  files.flatMap(({ path, text }) =>
    refusedWords(path, text).map(({ line, word }) => `${path}:${line}: ${word}`),
  ),
  'words that CONTRIBUTING.md refuses under "Words": name who acts, or say it plainly',
);
tell(
  files.flatMap(({ path, text }) =>
    brokenLinks(path, text, repository).map(({ line, why }) => `${path}:${line}: ${why}`),
  ),
  'links or paths that point to nothing: mend them, or write the page or heading',
);
