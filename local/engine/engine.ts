import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { LocalFailure } from '../failure.ts';
import { type LocalState, PROJECT } from '../home.ts';
import { answers, freePort, isAlive, startDetached, stop, waitUntil } from '../processes.ts';
import { findPython, installMinistack, MINISTACK_VERSION } from './install.ts';

type Started = NonNullable<LocalState['engine']>;

const HEALTH_PATHS = ['/_ministack/health', '/_localstack/health'];

export async function isEngine(url: string): Promise<boolean> {
  const found = await Promise.all(HEALTH_PATHS.map((path) => answers(`${url}${path}`)));
  return found.includes(true);
}

/**
 * A LocalStack-compatible engine: the one that AWS_ENDPOINT_URL names, the one that we started before, MiniStack in
 * a Python environment of its own, or MiniStack in Docker, in this order.
 *
 * @returns its URL, and what we started, where we did
 * @throws LocalFailure when there is none to be had, with what to do
 */
export async function ensureEngine(
  home: string,
  state: LocalState,
  env: Record<string, string | undefined>,
  report: (line: string) => void,
): Promise<{ url: string; started?: Started }> {
  const given = env['AWS_ENDPOINT_URL']?.replace(/\/$/, '');
  if (given !== undefined) {
    if (await isEngine(given)) return { url: given };
    throw new LocalFailure(
      `nothing LocalStack-compatible answers at AWS_ENDPOINT_URL=${given}`,
      'Start it, or unset the variable to have an engine started for you.',
    );
  }
  if (state.engine && (await isRunning(state.engine)))
    return { url: state.engine.url, started: state.engine };
  const port = await freePort(Number(env['FLEETWRIGHT_ENGINE_PORT'] ?? 4566));
  const python = findPython();
  if (python !== undefined) return await startMinistack(home, python, port, env, report);
  if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0)
    return await startContainer(port, report);
  throw new LocalFailure(
    'neither Python 3.10 or later nor a Docker engine was found',
    'Install Python ≥ 3.10, or start Docker, or set AWS_ENDPOINT_URL to a LocalStack-compatible engine that runs.',
  );
}

async function isRunning(engine: Started): Promise<boolean> {
  if ('pid' in engine && !isAlive(engine)) return false;
  return await isEngine(engine.url);
}

async function startMinistack(
  home: string,
  python: string,
  port: number,
  env: Record<string, string | undefined>,
  report: (line: string) => void,
): Promise<{ url: string; started: Started }> {
  const program = installMinistack(home, python, report);
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(home, 'engine.log');
  report(`starting MiniStack ${MINISTACK_VERSION} at ${url}`);
  const started = startDetached(program.command, program.args, {
    logFile,
    env: {
      ...env,
      ...program.env,
      // The engine runs functions on the first `node` of its PATH: the project's own, which is Lambda's version.
      PATH: `${join(PROJECT, 'node_modules', '.bin')}:${env['PATH'] ?? ''}`,
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
      LOG_LEVEL: 'WARNING',
    },
  });
  await waitUntil(() => isEngine(url), { what: 'MiniStack', seconds: 60, logFile, process: started });
  return { url, started: { ...started, url } };
}

async function startContainer(
  port: number,
  report: (line: string) => void,
): Promise<{ url: string; started: Started }> {
  const image = `ministackorg/ministack:${MINISTACK_VERSION}`;
  report(`starting ${image} in Docker`);
  // The host's network, so that functions in the container reach the simulated clouds on the loopback address.
  const env = ['--env', `GATEWAY_PORT=${port}`, '--env', 'BIND_HOST=127.0.0.1', '--env', 'LOG_LEVEL=WARNING'];
  const run = spawnSync('docker', ['run', '--detach', '--rm', '--network', 'host', ...env, image], {
    encoding: 'utf8',
  });
  if (run.status !== 0) {
    throw new LocalFailure(
      `Docker did not start ${image}:\n${run.stderr.trim()}`,
      'See Docker’s message above.',
    );
  }
  const url = `http://127.0.0.1:${port}`;
  const container = run.stdout.trim();
  await waitUntil(() => isEngine(url), { what: image, seconds: 120, logFile: `docker logs ${container}` });
  return { url, started: { container, url } };
}

/** Ends an engine that we started; one that ran before us is left alone. */
export async function stopEngine(engine: Started): Promise<void> {
  if ('pid' in engine) await stop(engine);
  else spawnSync('docker', ['stop', engine.container], { stdio: 'ignore' });
}
