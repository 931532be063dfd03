import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { refusedWords } from './refused-words.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Files that people read. */
const ENDINGS: ReadonlySet<string> = new Set(['.ts', '.mjs', '.md', '.json', '.yaml', '.yml', '.sh']);
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

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : filesBelow(path);
    return entry.isFile() && ENDINGS.has(extname(entry.name)) ? [path] : [];
  });
}

const files = filesBelow(ROOT)
  .map((path) => relative(ROOT, path))
  .filter((path) => !EXCEPT.some((pattern) => pattern.test(path)));
const found = files.flatMap((path) =>
  refusedWords(path, readFileSync(join(ROOT, path), 'utf8')).map(
    ({ line, word }) => `${path}:${line}: ${word}`,
  ),
);
for (const one of found) process.stderr.write(`${one}\n`);
if (found.length > 0) {
  process.stderr.write(
    `${found.length} words that CONTRIBUTING.md refuses under "Words": name who acts, or say it plainly\n`,
  );
  process.exitCode = 1;
}
