import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { configure } from './configure.ts';
import { run, runBeside } from './run.ts';
import { program, sql, startStores } from './services.ts';
import { type Home, PASSWORD, type Ports, REGION } from './state.ts';

/** Libraries and stores, installed. No package starts a service: what runs is what the tests start. */
const INSTALLED = [
  ...['python3-keystone', 'python3-nova', 'python3-placement', 'python3-glance', 'python3-neutron'],
  ...['python3-pymysql', 'python3-memcache', 'mariadb-server', 'rabbitmq-server', 'memcached'],
  ...['uwsgi-core', 'uwsgi-plugin-python3'],
];
/** Programs, unpacked into the folder of the tests: installed, they would set up services of the whole machine. */
const UNPACKED = [
  ...['nova-common', 'nova-api', 'nova-compute', 'nova-conductor', 'nova-scheduler'],
  ...['glance-common', 'neutron-common', 'neutron-server', 'placement-common'],
];
/** Written when all of them are. */
const COMPLETE = 'complete';
const DATABASES = ['keystone', 'placement', 'glance', 'neutron', 'nova_api', 'nova', 'nova_cell0'];

/** What is there already is left as it is, and then nothing is asked of the network. */
export function installPackages(home: Home): void {
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const missing = INSTALLED.filter((name) => !isInstalled(name));
  const isUnpacked = existsSync(home.at('debs', COMPLETE));
  if (missing.length === 0 && isUnpacked) return;
  run(['apt-get', 'update', '-qq'], { env });
  if (missing.length > 0) install(missing, env);
  if (isUnpacked) return;
  home.make('debs');
  run(['apt-get', 'download', '-qq', ...UNPACKED], { cwd: home.at('debs'), env });
  for (const file of readdirSync(home.at('debs')).filter((name) => name.endsWith('.deb'))) {
    run(['dpkg-deb', '-x', home.at('debs', file), home.at('debs', 'unpacked')]);
  }
  home.write(`debs/${COMPLETE}`, '');
}

function install(packages: readonly string[], env: Record<string, string>): void {
  const policy = '/usr/sbin/policy-rc.d';
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const quick = ['-o', 'Dpkg::Options::=--force-unsafe-io'];
    run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...quick, ...packages], { env });
  } finally {
    if (isOurs) rmSync(policy);
  }
}

function isInstalled(name: string): boolean {
  const { stdout } = spawnSync('dpkg', ['-s', name], { encoding: 'utf8' });
  return /^Status: .* installed$/m.test(stdout);
}

export function makeFolders(home: Home): void {
  home.make('etc', 'log', 'run', 'images', 'images-staging', 'mariadb', 'rabbitmq');
  home.make('state/lock', 'state/instances');
  home.make('state/fernet-keys', 'state/fernet-receipts', 'state/credential-keys');
}

/** Configurations and empty stores, up and running at the end. */
export async function makeStores(home: Home, ports: Ports): Promise<void> {
  configure(home, ports);
  const defaults = `--defaults-file=${home.at('etc/mariadb.cnf')}`;
  run([
    'mariadb-install-db',
    defaults,
    '--user=root',
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ]);
  await startStores(home, ports);
  const grants = DATABASES.flatMap((name) => [
    `create database ${name}`,
    `grant all on ${name}.* to 'openstack'@'127.0.0.1' identified by '${PASSWORD}'`,
    `grant all on ${name}.* to 'openstack'@'localhost' identified by '${PASSWORD}'`,
  ]);
  sql(home, grants.join('; '));
}

/** Tables of all services, side by side, and Keystone's first user. */
export async function fillStores(home: Home, ports: Ports): Promise<void> {
  const config = (name: string) => ['--config-file', home.at('etc', `${name}.conf`)];
  const python = (name: string) => ['/usr/bin/python3', home.unpacked('bin', name)];
  const nova = (...args: string[]) => runBeside([...python('nova-manage'), ...config('nova'), ...args]);
  const keystone = (...args: string[]) => runBeside(['keystone-manage', ...config('keystone'), ...args]);
  const cell0 = `mysql+pymysql://openstack:${PASSWORD}@127.0.0.1:${ports.mariadb}/nova_cell0`;
  const identity = `http://127.0.0.1:${ports.keystone}/v3/`;
  await Promise.all([
    (async () => {
      await keystone('db_sync');
      for (const keys of ['fernet_setup', 'credential_setup']) {
        await keystone(keys, '--keystone-user', 'root', '--keystone-group', 'root');
      }
      const urls = ['admin', 'internal', 'public'].flatMap((kind) => [`--bootstrap-${kind}-url`, identity]);
      await keystone('bootstrap', '--bootstrap-password', PASSWORD, '--bootstrap-region-id', REGION, ...urls);
      await runBeside(['placement-manage', ...config('placement'), 'db', 'sync']);
      await runBeside([...program('glance-manage', 'glance.cmd.manage'), ...config('glance'), 'db_sync']);
    })(),
    (async () => {
      await nova('api_db', 'sync');
      await nova('cell_v2', 'map_cell0', '--database_connection', cell0);
      await nova('cell_v2', 'create_cell', '--name', 'cell1');
      await nova('db', 'sync');
    })(),
    runBeside([...python('neutron-db-manage'), ...config('neutron'), 'upgrade', 'heads']),
  ]);
}
