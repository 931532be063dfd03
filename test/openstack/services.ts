import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentOfPrograms, fileOf, python, pythonModule } from './packages.ts';
import { run } from './run.ts';
import type { Home, Ports } from './state.ts';

const UP_MS = 180_000;
const DOWN_MS = 20_000;
const STORES: ReadonlySet<string> = new Set(['mariadb', 'rabbitmq']);
/** Index of a process's start time among the fields of `/proc/<pid>/stat`, counted from the field `state`. */
const START_TIME_FIELD = 19;

/** Starts the stores: the databases and the message bus. */
export async function startStores(home: Home, ports: Ports): Promise<void> {
  start(home, 'mariadb', [
    fileOf(home, 'sbin/mariadbd'),
    `--defaults-file=${home.at('etc/mariadb.cnf')}`,
    '--user=root',
  ]);
  const rabbit = {
    HOME: home.at('rabbitmq'),
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: 'openstack@localhost',
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.rabbitmq),
    RABBITMQ_DIST_PORT: String(ports.rabbitmqNodes),
    RABBITMQ_MNESIA_BASE: home.at('rabbitmq'),
    RABBITMQ_LOG_BASE: home.at('log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: home.at('etc/rabbitmq-plugins'),
    RABBITMQ_CONF_ENV_FILE: home.at('etc/rabbitmq-env.conf'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
  // Without this process, RabbitMQ would start its own epmd, which would still run after RabbitMQ is stopped.
  start(home, 'epmd', [fileOf(home, 'bin/epmd'), '-port', String(ports.epmd), '-address', '127.0.0.1']);
  await listening('epmd', ports.epmd);
  start(home, 'rabbitmq', [fileOf(home, 'lib/rabbitmq/bin/rabbitmq-server')], rabbit);
  start(home, 'memcached', [
    fileOf(home, 'bin/memcached'),
    '-u',
    'nobody',
    '-l',
    '127.0.0.1',
    '-p',
    String(ports.memcached),
    '-m',
    '64',
  ]);
  await Promise.all([
    listening('mariadb', ports.mariadb),
    listening('rabbitmq', ports.rabbitmq),
    listening('memcached', ports.memcached),
  ]);
}

/** Starts Keystone and Placement, which are WSGI programs. */
export async function startIdentity(home: Home, ports: Ports): Promise<void> {
  const env = { OS_KEYSTONE_CONFIG_DIR: home.at('etc'), OS_PLACEMENT_CONFIG_DIR: home.at('etc') };
  const wsgi = (name: string, file: string, port: number) =>
    start(
      home,
      name,
      [
        // The plugin comes first, because it defines some of the options.
        ...[fileOf(home, 'bin/uwsgi-core'), '--plugins-dir', fileOf(home, 'lib/uwsgi/plugins')],
        ...['--plugin', 'python311', '--http-socket', `127.0.0.1:${port}`, '--wsgi-file', fileOf(home, file)],
        ...['--master', '--die-on-term', '--lazy-apps', '--enable-threads', '--thunder-lock'],
        ...['--processes', '2', '--threads', '4', '--buffer-size', '65535', '--post-buffering', '8192'],
        ...['--add-header', 'Connection: close', '--disable-logging'],
      ],
      env,
    );
  wsgi('keystone', 'bin/keystone-wsgi-public', ports.keystone);
  wsgi('placement', 'bin/placement-api', ports.placement);
  await Promise.all([answering('keystone', ports.keystone), answering('placement', ports.placement)]);
}

export async function startServices(home: Home, ports: Ports): Promise<void> {
  const config = (name: string) => ['--config-file', home.at('etc', `${name}.conf`)];
  start(home, 'glance', [...pythonModule(home, 'glance-api', 'glance.cmd.api'), ...config('glance')]);
  start(home, 'neutron', [...python(home, 'bin/neutron-server'), ...config('neutron')]);
  for (const service of ['conductor', 'scheduler', 'api', 'compute']) {
    start(home, `nova-${service}`, [...python(home, `bin/nova-${service}`), ...config('nova')]);
  }
  await Promise.all([
    answering('glance', ports.glance),
    answering('neutron', ports.neutron),
    answering('nova-api', ports.nova),
  ]);
}

export function sql(home: Home, statement: string, database = ''): void {
  const socket = home.at('run', 'mariadb.sock');
  run([fileOf(home, 'bin/mariadb'), '--no-defaults', '-S', socket, '-uroot', database, '-e', statement], {
    env: environmentOfPrograms(home),
  });
}

/**
 * Stops all processes of the cloud. The stores get SIGTERM, so that they write their data. All other
 * processes get SIGKILL.
 */
export async function stopAll(home: Home): Promise<void> {
  const started = running(home);
  const groups = started.map(({ pid }) => pid);
  const alive = () => groups.filter((group) => signal(group, 0));
  const untilMs = Date.now() + DOWN_MS;
  for (const { name, pid } of started) signal(pid, STORES.has(name) ? 'SIGTERM' : 'SIGKILL');
  while (alive().length > 0 && Date.now() < untilMs) await sleep(100);
  for (const group of alive()) signal(group, 'SIGKILL');
  rmSync(home.at('run'), { recursive: true, force: true });
}

interface Process {
  name: string;
  /** The process id, which is also the id of the process group with its children. */
  pid: number;
}

/** Returns the running processes of the cloud in the folder `home`. */
export function running(home: Home): Process[] {
  if (!existsSync(home.at('run'))) return [];
  const files = readdirSync(home.at('run')).filter((name) => name.endsWith('.pid'));
  return files.flatMap((file) => {
    const [pid = '', startTime] = readFileSync(home.at('run', file), 'utf8').split(' ');
    const name = file.replace(/\.pid$/, '');
    return startTime === startTimeOf(Number(pid)) ? [{ name, pid: Number(pid) }] : [];
  });
}

/**
 * Starts a process in its own process group, so that `stopAll` can stop the process together with its
 * children.
 */
function start(home: Home, name: string, command: readonly string[], env: Record<string, string> = {}): void {
  const [file = '', ...args] = command;
  const log = openSync(home.at('log', `${name}.out`), 'a');
  const child = spawn(file, args, {
    cwd: home.folder,
    env: { ...environmentOfPrograms(home), ...env },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  child.on('error', () => undefined);
  child.unref();
  if (child.pid === undefined) throw new Error(`${file} could not be started`);
  writeFileSync(home.at('run', `${name}.pid`), `${child.pid} ${startTimeOf(child.pid)}`);
}

/**
 * Returns the start time of a process, or undefined if the process has ended. The start time distinguishes
 * the process from a later process with the same id.
 */
function startTimeOf(pid: number): string | undefined {
  try {
    // The second field is a name in brackets, which may contain any character.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
    return fields?.[0] === 'Z' ? undefined : fields?.[START_TIME_FIELD];
  } catch {
    return undefined;
  }
}

/**
 * Sends a signal to a process group. Signal 0 only checks that the group exists. Returns false if the group
 * has ended.
 */
function signal(group: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

async function listening(name: string, port: number): Promise<void> {
  await until(name, () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    return promise.finally(() => socket.destroy());
  });
}

async function answering(name: string, port: number): Promise<void> {
  await until(name, async () => {
    try {
      const { status } = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) });
      return status < 500;
    } catch {
      return false;
    }
  });
}

async function until(name: string, holds: () => Promise<boolean>): Promise<void> {
  const untilMs = Date.now() + UP_MS;
  while (!(await holds())) {
    if (Date.now() > untilMs)
      throw new Error(`${name} is not up after ${UP_MS / 1_000} s: see its log in the folder log`);
    await sleep(300);
  }
}
