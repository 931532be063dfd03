// Runs a program of this repository with everything in place: installs the locked dependencies where they are
// missing or older than the lockfile, then starts the program on the Node.js that they bring (24), whatever
// version started this file. Plain JavaScript, so that Node.js 20 can read it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.package-lock.json');
const lock = join(root, 'package-lock.json');

function isInstalled() {
  return (
    existsSync(stamp) &&
    existsSync(join(modules, '.bin', 'node')) &&
    statSync(stamp).mtimeMs >= statSync(lock).mtimeMs
  );
}

if (!isInstalled()) {
  process.stderr.write('Installing dependencies (npm ci) …\n');
  const install = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (install.status !== 0) {
    process.stderr.write('npm ci failed; see its message above. Is the npm registry within reach?\n');
    process.exit(3);
  }
}

const [program, ...args] = process.argv.slice(2);
if (!program) {
  process.stderr.write('usage: node run.mjs <program> [arguments]\n');
  process.exit(2);
}
const node = join(modules, '.bin', 'node');
const child = spawn(node, [existsSync(join(root, program)) ? join(root, program) : program, ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH ?? ''}` },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
