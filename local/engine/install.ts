import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalFailure } from '../failure.ts';

/** The engine that the project is tested with. */
export const MINISTACK_VERSION = '1.5.33';

const CANDIDATES = [
  'python3',
  'python3.14',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.10',
  'python',
];

/** A Python that MiniStack runs on; undefined when the machine has none. */
export function findPython(): string | undefined {
  return CANDIDATES.find((name) => {
    const check = 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else 1)';
    return spawnSync(name, ['-c', check], { stdio: 'ignore' }).status === 0;
  });
}

export interface EngineProgram {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/**
 * MiniStack in a Python environment of its own below `home`. Where Python has no venv module, as on a bare Debian,
 * the packages go into a folder that only the engine looks at.
 */
export function installMinistack(
  home: string,
  python: string,
  report: (line: string) => void,
): EngineProgram {
  const folder = join(home, `ministack-${MINISTACK_VERSION}`);
  const marker = join(folder, '.complete');
  const packages = join(folder, 'packages');
  const venvPython = join(folder, 'venv', 'bin', 'python');
  if (!existsSync(marker)) {
    report(`installing MiniStack ${MINISTACK_VERSION}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const venv = spawnSync(python, ['-m', 'venv', join(folder, 'venv')], { encoding: 'utf8' });
    const target = venv.status === 0 ? [] : ['--target', packages];
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...target];
    pip(venv.status === 0 ? venvPython : python, [...install, `ministack==${MINISTACK_VERSION}`]);
    writeFileSync(marker, '');
  }
  if (existsSync(venvPython) && !existsSync(packages)) {
    return { command: venvPython, args: ['-m', 'ministack'], env: {} };
  }
  return { command: python, args: ['-m', 'ministack'], env: { PYTHONPATH: packages } };
}

function pip(python: string, args: string[]): void {
  const { status, stderr, error } = spawnSync(python, args, { encoding: 'utf8' });
  if (status === 0) return;
  const why = (stderr || error?.message || '').trim().split('\n').slice(-3).join('\n');
  const missing = /No module named pip/.test(why);
  throw new LocalFailure(
    `MiniStack could not be installed:\n${why}`,
    missing
      ? 'Install pip and venv for your Python (on Debian: apt-get install python3-venv), then try again.'
      : 'Is the Python package index within reach? Else set AWS_ENDPOINT_URL to a LocalStack-compatible engine that runs.',
  );
}
