import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { brokenLinks, type Repository } from './broken-links.ts';
import { refusedWords } from './refused-words.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Endings of the files that are checked. */
const ENDINGS: ReadonlySet<string> = new Set(['.ts', '.mjs', '.cjs', '.md', '.json', '.yaml', '.yml', '.sh']);
/** Folders with installed or generated files. */
const NOT_OURS: ReadonlySet<string> = new Set([
  'node_modules',
  'cdk.out',
  'coverage',
  '.git',
  '.fleetwright',
  '.installing',
]);
/**
 * Files that are not checked: the lock file, these checks and their tests, and a file with a Unix user name
 * that `refusedWords` would report.
 */
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
  'words that CONTRIBUTING.md refuses under "Words": name the actor, or use a plain word',
);
tell(
  files.flatMap(({ path, text }) =>
    brokenLinks(path, text, repository).map(({ line, why }) => `${path}:${line}: ${why}`),
  ),
  'links or paths whose target does not exist: correct the link, or add the page or heading',
);
