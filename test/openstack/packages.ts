import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { run, runBeside } from './run.ts';
import type { Home } from './state.ts';

/** With all that they need, as far as this machine has not got it. */
const NEEDED = [
  ...['python3-keystone', 'python3-nova', 'python3-placement', 'python3-glance', 'python3-neutron'],
  ...['python3-pymysql', 'python3-memcache', 'mariadb-server', 'rabbitmq-server', 'memcached'],
  ...['uwsgi-core', 'uwsgi-plugin-python3'],
];
/** By themselves: programs and defaults of the services. What they need beside is for services of a whole machine. */
const ALONE = [
  ...['nova-common', 'nova-api', 'nova-compute', 'nova-conductor', 'nova-scheduler'],
  ...['glance-common', 'neutron-common', 'neutron-server', 'placement-common'],
];
/** Written when all are there. */
const COMPLETE = 'debs/complete';

/**
 * Packages are unpacked into a folder, and not installed: that is several times as fast, since nothing is configured
 * nor compiled that is never used, and it leaves the machine as it is. What is unpacked already is left alone, and then
 * nothing is asked of the network.
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

/** Erlang's start script has the place where it would be installed written into it. */
function moveErlang(home: Home): void {
  const script = home.unpacked('lib/erlang/bin/erl');
  if (!existsSync(script)) return;
  const text = readFileSync(script, 'utf8').replaceAll('=/usr/lib/erlang', `=${home.unpacked('lib/erlang')}`);
  writeFileSync(script, text);
}

/** Debian has half of this module in Python's own package, which is on every machine, and half in one of its own. */
function joinDistutils(home: Home): void {
  const unpacked = home.unpacked('lib/python3.11/distutils');
  const own = '/usr/lib/python3.11/distutils';
  if (existsSync(unpacked) && existsSync(own)) cpSync(own, unpacked, { recursive: true });
}

/** Where a file of a package is, by its path below `/usr`: unpacked, or on the machine, which has it installed. */
export function fileOf(home: Home, path: string): string {
  const unpacked = home.unpacked(path);
  return existsSync(unpacked) ? unpacked : join('/usr', path);
}

/** A Python program of a package. */
export function python(home: Home, path: string): string[] {
  return [interpreter(home), fileOf(home, path)];
}

/** A Python program that its package brings as a module alone. */
export function pythonModule(home: Home, name: string, module: string): string[] {
  const code = `import sys; sys.argv[0] = '${name}'; from ${module} import main; sys.exit(main())`;
  return [interpreter(home), '-c', code];
}

function interpreter(home: Home): string {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : home.unpacked('bin/python3');
}

/** In which programs find what was unpacked with them. */
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
