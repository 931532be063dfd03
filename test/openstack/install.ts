import { configure } from './configure.ts';
import { environmentOfPrograms, fileOf, python, pythonModule } from './packages.ts';
import { run, runBeside } from './run.ts';
import { sql, startStores } from './services.ts';
import { type Home, PASSWORD, type Ports, REGION } from './state.ts';

const DATABASES = ['keystone', 'placement', 'glance', 'neutron', 'nova_api', 'nova', 'nova_cell0'];

export function makeFolders(home: Home): void {
  home.make('etc', 'log', 'run', 'images', 'images-staging', 'mariadb', 'rabbitmq');
  home.make('state/lock', 'state/instances');
  home.make('state/fernet-keys', 'state/fernet-receipts', 'state/credential-keys');
}

/** Writes the configurations, and creates and starts the empty stores (databases and message bus). */
export async function makeStores(home: Home, ports: Ports): Promise<void> {
  configure(home, ports);
  const script = fileOf(home, 'bin/mariadb-install-db');
  run(
    [
      'sh',
      script,
      `--defaults-file=${home.at('etc/mariadb.cnf')}`,
      `--basedir=${script.replace(/\/bin\/[^/]+$/, '')}`,
      '--user=root',
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
    ],
    { env: environmentOfPrograms(home) },
  );
  await startStores(home, ports);
  const grants = DATABASES.flatMap((name) => [
    `create database ${name}`,
    `grant all on ${name}.* to 'openstack'@'127.0.0.1' identified by '${PASSWORD}'`,
    `grant all on ${name}.* to 'openstack'@'localhost' identified by '${PASSWORD}'`,
  ]);
  sql(home, grants.join('; '));
}

/** Creates the tables of all services in parallel, and Keystone's first user. */
export async function fillStores(home: Home, ports: Ports): Promise<void> {
  const env = environmentOfPrograms(home);
  const config = (name: string) => ['--config-file', home.at('etc', `${name}.conf`)];
  const nova = (...args: string[]) =>
    runBeside([...python(home, 'bin/nova-manage'), ...config('nova'), ...args], env);
  const keystone = (...args: string[]) =>
    runBeside([...python(home, 'bin/keystone-manage'), ...config('keystone'), ...args], env);
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
      await runBeside([...python(home, 'bin/placement-manage'), ...config('placement'), 'db', 'sync'], env);
      const glance = pythonModule(home, 'glance-manage', 'glance.cmd.manage');
      await runBeside([...glance, ...config('glance'), 'db_sync'], env);
    })(),
    (async () => {
      await nova('api_db', 'sync');
      await nova('cell_v2', 'map_cell0', '--database_connection', cell0);
      await nova('cell_v2', 'create_cell', '--name', 'cell1');
      await nova('db', 'sync');
    })(),
    runBeside([...python(home, 'bin/neutron-db-manage'), ...config('neutron'), 'upgrade', 'heads'], env),
  ]);
}
