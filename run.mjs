// Runs a program of this repository. First it installs the locked dependencies if they are missing or older
// than the lockfile. Then it starts the program on the Node.js 24 of the dependencies. This file is plain
// JavaScript, because Node.js 20 has to read it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.package-lock.json');
const lock = join(root, 'package-lock.json');
const INSTALL_MS = 600_000;

function isInstalled() {
  return (
    existsSync(stamp) &&
    existsSync(join(modules, '.bin', 'node')) &&
    statSync(stamp).mtimeMs >= statSync(lock).mtimeMs
  );
}

/**
 * Installs the dependencies. Two concurrent installations would delete each other's files; the later one
 * waits for the earlier one.
 */
function install() {
  const lockFolder = join(root, '.installing');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      mkdirSync(lockFolder);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const heldMs = Date.now() - (statSync(lockFolder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (heldMs > INSTALL_MS) rmdirSync(lockFolder);
      else Atomics.wait(pause, 0, 0, 200);
    }
  }
  try {
    if (isInstalled()) return;
    process.stderr.write('Installing dependencies (npm ci) …\n');
    const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
      timeout: INSTALL_MS,
    });
    if (status === 0) return;
    process.stderr.write(
      'npm ci failed with the message above. Check that the npm registry can be reached, and run the command again.\n',
    );
    process.exitCode = 3;
  } finally {
    rmdirSync(lockFolder);
  }
}

if (!isInstalled()) install();
if (process.exitCode) process.exit();

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
