import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { refusedWords } from './refused-words.ts';

/** Everything that people read, but the list of refused words and its test. */
const PATHS = [
  '*.ts',
  '*.mjs',
  '*.md',
  '*.json',
  '*.yaml',
  '*.yml',
  '*.sh',
  '.ci/*',
  ':!package-lock.json',
  ':!test/prose',
  ':!test/unit/prose',
  // It starts memcached as the Unix user of that name.
  ':!test/openstack/services.ts',
];

const files = execFileSync('git', ['ls-files', '-z', '--', ...PATHS], { encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '');
const found = files.flatMap((path) =>
  refusedWords(path, readFileSync(path, 'utf8')).map(({ line, word }) => `${path}:${line}: ${word}`),
);
for (const one of found) process.stderr.write(`${one}\n`);
if (found.length > 0) {
  process.stderr.write(
    `${found.length} words that CONTRIBUTING.md refuses under "Words": name who acts, or say it plainly\n`,
  );
  process.exitCode = 1;
}
