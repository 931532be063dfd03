import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { run, runBeside } from './run.ts';
import type { Home } from './state.ts';

/** Packages that are unpacked. Dependencies that are not installed on the machine are unpacked, too. */
const NEEDED = [
  ...['python3-keystone', 'python3-nova', 'python3-placement', 'python3-glance', 'python3-neutron'],
  ...['python3-pymysql', 'python3-memcache', 'mariadb-server', 'rabbitmq-server', 'memcached'],
  ...['uwsgi-core', 'uwsgi-plugin-python3'],
];
/** Packages that are unpacked without dependencies: programs and default settings of the services. */
const ALONE = [
  ...['nova-common', 'nova-api', 'nova-compute', 'nova-conductor', 'nova-scheduler'],
  ...['glance-common', 'neutron-common', 'neutron-server', 'placement-common'],
];
/** A file that exists only if all packages are unpacked. */
const COMPLETE = 'debs/complete';

/**
 * Downloads the packages and unpacks them into a folder. Unpacking does not change the machine. It is several
 * times faster than installing, because nothing is configured or compiled. Does nothing if all packages are
 * unpacked already.
 */
export async function unpackPackages(home: Home): Promise<void> {
  if (existsSync(home.at(COMPLETE))) return;
  rmSync(home.at('debs'), { recursive: true, force: true });
  home.make('debs/archives/partial', 'debs/unpacked');
  const archives = home.at('debs/archives');
  const apt = [
    'apt-get',
    '-y',
    '-qq',
    '-o',
    'APT::Sandbox::User=root',
    '-o',
    `Dir::Cache::archives=${archives}`,
  ];
  run([...apt, 'update']);
  run([...apt, 'install', '--download-only', '--no-install-recommends', ...NEEDED]);
  run([...apt, 'download', ...ALONE], { cwd: archives });
  const limit = pLimit(availableParallelism());
  const files = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  await Promise.all(
    files.map((file) =>
      limit(() => runBeside(['dpkg-deb', '-x', join(archives, file), home.at('debs/unpacked')])),
    ),
  );
  moveErlang(home);
  joinDistutils(home);
  rmSync(archives, { recursive: true });
  home.write(COMPLETE, '');
}

/** Replaces the path of an installed Erlang by the path of the unpacked Erlang, in Erlang's start script. */
function moveErlang(home: Home): void {
  const script = home.unpacked('lib/erlang/bin/erl');
  if (!existsSync(script)) return;
  const text = readFileSync(script, 'utf8').replaceAll('=/usr/lib/erlang', `=${home.unpacked('lib/erlang')}`);
  writeFileSync(script, text);
}

/**
 * Joins the two halves of the module distutils. Debian has one half in Python's own package and the other
 * half in a separate package.
 */
function joinDistutils(home: Home): void {
  const unpacked = home.unpacked('lib/python3.11/distutils');
  const own = '/usr/lib/python3.11/distutils';
  if (existsSync(unpacked) && existsSync(own)) cpSync(own, unpacked, { recursive: true });
}

/**
 * Returns the path of a package's file. `path` is relative to `/usr`. Returns the unpacked file or, if there
 * is none, the file that is installed on the machine.
 */
export function fileOf(home: Home, path: string): string {
  const unpacked = home.unpacked(path);
  return existsSync(unpacked) ? unpacked : join('/usr', path);
}

/** Returns the command that runs a package's Python program. */
export function python(home: Home, path: string): string[] {
  return [interpreter(home), fileOf(home, path)];
}

/** Returns the command that runs a Python program which its package contains only as a module. */
export function pythonModule(home: Home, name: string, module: string): string[] {
  const code = `import sys; sys.argv[0] = '${name}'; from ${module} import main; sys.exit(main())`;
  return [interpreter(home), '-c', code];
}

function interpreter(home: Home): string {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : home.unpacked('bin/python3');
}

/** Returns the environment variables with which programs find the unpacked files. */
export function environmentOfPrograms(home: Home): Record<string, string> {
  const root = home.at('debs/unpacked');
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const libraries = ['', 'blas', 'lapack'].map((folder) => join(root, 'usr/lib', triplet, folder));
  return {
    PATH: ['/usr/sbin', '/usr/bin', '/sbin', '/bin']
      .flatMap((folder) => [folder, join(root, folder)])
      .join(':'),
    LANG: 'C.UTF-8',
    LD_LIBRARY_PATH: [...libraries, join(root, 'lib', triplet)].join(':'),
    PYTHONPATH: ['python3/dist-packages', 'python3.11']
      .map((path) => home.unpacked(join('lib', path)))
      .join(':'),
  };
}
