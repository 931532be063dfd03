import { existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepPrivate, type StateFolder } from '../state/folder.ts';
import { waitForLock } from '../state/lock.ts';
import { StartFailure } from '../state/start-failure.ts';
import { lastLines, runCommand } from '../system/run-command.ts';
import { cleanEnvironment, environmentIn } from './environment.ts';

export const MINISTACK_VERSION = '1.5.33';
const MINISTACK: PythonProgram = {
  title: 'MiniStack, the local AWS engine',
  distribution: 'ministack',
  version: MINISTACK_VERSION,
  requirements: join(dirname(fileURLToPath(import.meta.url)), 'requirements.txt'),
  instead: 'Or start Docker, which can be used instead of Python.',
};
const CANDIDATES = ['14', '13', '12', '11', '10']
  .map((minor) => `python3.${minor}`)
  .concat('python3', 'python');
const PROBE =
  'import os, sys; print(os.path.realpath(sys.executable) if sys.version_info >= (3, 10) else "")';
const INSTALL_MS = 300_000;
/** Longest time in ms to wait while another process installs the same program. */
const WAIT_MS = 2 * INSTALL_MS;

/** Describes a program from the Python package index, with pinned versions of all its dependencies. */
export interface PythonProgram {
  /** The display name. */
  title: string;
  distribution: string;
  version: string;
  /** Path of the file that pins the versions. */
  requirements: string;
  /** Advice for a machine without a suitable Python. */
  instead?: string;
}

/** The Python that runs an installed program. */
export interface InstalledEngine {
  python: string;
  /** The folder of the program's modules, if the program is not in a virtual environment. */
  pythonPath?: string;
}

/**
 * Returns the path of each Python of this machine with version 3.10 or later. Runs each candidate once, because a name
 * may belong to a shim that starts no Python.
 */
export async function findPythons(): Promise<string[]> {
  const env = cleanEnvironment();
  const probed = await Promise.all(CANDIDATES.map((name) => runCommand(name, ['-c', PROBE], { env })));
  const paths = probed.filter(({ code }) => code === 0).map(({ stdout }) => stdout.trim());
  return [...new Set(paths.filter((path) => path !== ''))];
}

/**
 * Installs the engine. @throws StartFailure when no Python can make an environment, or the package index cannot be
 * reached
 */
export async function installEngine(
  folder: StateFolder,
  pythons: readonly string[],
): Promise<InstalledEngine> {
  return await installPython(folder, MINISTACK, pythons);
}

/**
 * Installs a program once, in its own Python environment in the state folder. Processes that install the same program at
 * the same time wait for each other.
 *
 * @throws StartFailure when no Python can make an environment, or the package index cannot be reached
 */
export async function installPython(
  folder: StateFolder,
  program: PythonProgram,
  pythons: readonly string[],
): Promise<InstalledEngine> {
  const { distribution, version } = program;
  const home = folder.file(`${distribution}-${version}`, 'environment');
  const found = await findInstalled(home, program, pythons);
  if (found) return found;
  return await waitForLock(folder, `${distribution}-${version}`, { waitMs: WAIT_MS }, async () => {
    // Another process may have installed the program meanwhile.
    const installed = await findInstalled(home, program, pythons);
    return installed ?? (await install(folder, home, program, pythons));
  });
}

async function findInstalled(
  home: string,
  program: PythonProgram,
  pythons: readonly string[],
): Promise<InstalledEngine | undefined> {
  const possible: readonly InstalledEngine[] = [
    { python: join(home, 'bin', 'python') },
    ...pythons.map((python) => ({ python, pythonPath: home })),
  ];
  for (const engine of possible) {
    if (existsSync(engine.pythonPath ?? engine.python) && (await works(engine, program))) return engine;
  }
  return undefined;
}

async function install(
  folder: StateFolder,
  home: string,
  program: PythonProgram,
  pythons: readonly string[],
): Promise<InstalledEngine> {
  const { title, version } = program;
  const reasons: string[] = [];
  const env = environmentIn(folder);
  for (const python of pythons) {
    for (const make of [inVenv, inVirtualenv, inFolder]) {
      rmSync(home, { recursive: true, force: true });
      const made = await make(python, home, { requirements: program.requirements, env });
      if (!('reason' in made) && (await works(made, program))) {
        // pip sets the file modes that the packages contain. With these modes, other users may be able to
        // read the files.
        keepPrivate(home);
        return made;
      }
      const { reason, final } =
        'reason' in made
          ? made
          : { reason: 'the package was installed, but it cannot be imported', final: false };
      reasons.push(`${python}: ${reason}`);
      // If pip cannot download the packages, the kind of environment makes no difference.
      if (final) break;
    }
  }
  rmSync(home, { recursive: true, force: true });
  throw new StartFailure(
    `${title}, version ${version}, cannot be installed:\n${reasons.map((one) => `  ${one}`).join('\n')}`,
    'Check that the Python package index can be reached: set HTTPS_PROXY for a proxy, PIP_INDEX_URL for another index. ' +
      `On Debian and Ubuntu, run \`apt-get install python3-venv\`. ${program.instead ?? ''}`.trimEnd(),
  );
}

/** Returns environment variables with which the installed Python finds only the program's modules. */
export function pythonEnvironment(
  { pythonPath }: InstalledEngine,
  base: NodeJS.ProcessEnv = cleanEnvironment(),
): NodeJS.ProcessEnv {
  const { PYTHONHOME: _home, PYTHONPATH: _path, ...env } = base;
  return pythonPath === undefined ? env : { ...env, PYTHONPATH: pythonPath };
}

/** Fails if a distribution that the file pins is missing, or has another version. */
const CHECK_PINS = `
import sys
from importlib.metadata import version
for line in open(sys.argv[1]):
    pin = line.partition("#")[0].strip()
    # A pin with a marker may not be meant for this Python.
    if pin and ";" not in pin:
        name, _, wanted = pin.partition("==")
        assert version(name) == wanted, name
`;

async function works(engine: InstalledEngine, { requirements }: PythonProgram): Promise<boolean> {
  const env = pythonEnvironment(engine);
  const { code } = await runCommand(engine.python, ['-c', CHECK_PINS, requirements], { env });
  return code === 0;
}

interface NotMade {
  reason: string;
  /** True if the installation would fail in every kind of Python environment. */
  final: boolean;
}
type Made = InstalledEngine | NotMade;

interface Installation {
  requirements: string;
  env: NodeJS.ProcessEnv;
}

const inVenv = (python: string, home: string, what: Installation): Promise<Made> =>
  inEnvironment(python, ['-m', 'venv', home], home, what);
const inVirtualenv = (python: string, home: string, what: Installation): Promise<Made> =>
  inEnvironment(python, ['-m', 'virtualenv', '--quiet', home], home, what);

async function inEnvironment(
  python: string,
  make: string[],
  home: string,
  what: Installation,
): Promise<Made> {
  const made = await runCommand(python, make, { env: what.env, timeoutMs: INSTALL_MS });
  if (made.code !== 0)
    return { reason: `${make[1]}: ${lastLines(made.stderr || made.stdout, 2)}`, final: false };
  const engine = { python: join(home, 'bin', 'python') };
  const pip = await runPip(engine.python, what, []);
  return pip ?? engine;
}

async function inFolder(python: string, home: string, what: Installation): Promise<Made> {
  return (await runPip(python, what, ['--target', home])) ?? { python, pythonPath: home };
}

/** Runs pip. @returns why it failed; undefined when it succeeded */
async function runPip(
  python: string,
  { requirements, env }: Installation,
  extra: readonly string[],
): Promise<NotMade | undefined> {
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', ...extra];
  const { code, stderr } = await runCommand(python, [...args, '-r', requirements], {
    env,
    timeoutMs: INSTALL_MS,
  });
  if (code === 0) return undefined;
  const reason = `pip: ${lastLines(stderr, 1) || 'no answer in 5 minutes'}`;
  return { reason, final: !/No module named '?pip/.test(stderr) };
}
