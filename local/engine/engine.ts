import { setTimeout as sleep } from 'node:timers/promises';
import type { StateFolder } from '../state/folder.ts';
import { isAlive, startDetached, stopProcess, tailOf } from '../state/processes.ts';
import { type EngineRecord, engineRecordSchema, RECORDS } from '../state/records.ts';
import { StartFailure } from '../state/start-failure.ts';
import { choosePort } from '../system/ports.ts';
import { type EngineKey, makeEngineKey } from './access.ts';
import { dockerAnswers, isContainerRunning, startContainer, stopContainer } from './docker.ts';
import { environmentIn } from './environment.ts';
import { GUARDED_MINISTACK, guardEnvironment } from './guarded-ministack.ts';
import { findPythons, installEngine, MINISTACK_VERSION, pythonEnvironment } from './python.ts';

const PORT = 4566;
const START_MS = 60_000;

export interface Engine {
  record: EngineRecord;
  /**
   * True if this call of `findOrStartEngine` started the engine, or if AWS_ENDPOINT_URL names another engine
   * than at the previous call. Callers treat such an engine as empty.
   */
  fresh: boolean;
  /** For example `MiniStack 1.5.33`. */
  description: string;
}

/**
 * Finds or starts the AWS engine of this machine. Tries in this order: the endpoint in AWS_ENDPOINT_URL, the engine
 * that an earlier call started, MiniStack on Python, MiniStack in Docker.
 *
 * @throws StartFailure
 */
export async function findOrStartEngine(folder: StateFolder): Promise<Engine> {
  const endpoint = process.env['AWS_ENDPOINT_URL'];
  if (endpoint) return await givenEndpoint(folder, endpoint);
  const known = folder.read(RECORDS.engine, engineRecordSchema);
  if (known && known.kind !== 'endpoint' && (await isRunning(known)) && (await isHealthy(known.url))) {
    return { record: known, fresh: false, description: descriptionOf(known) };
  }
  if (known) await stopEngine(known);
  // An engine that was killed may have left temporary files.
  folder.removeTemporary();
  const port = await choosePort('FLEETWRIGHT_ENGINE_PORT', PORT);
  // A new engine gets the key of the earlier engine, because other tools of the user may have stored that key.
  const key = known && known.kind !== 'endpoint' ? keyOf(known) : makeEngineKey();
  const record = await start(folder, port, key);
  folder.write(RECORDS.engine, record);
  await waitUntilHealthy(folder, record);
  return { record, fresh: true, description: descriptionOf(record) };
}

/** Stops an engine. @returns false when it was not running, or `up` did not start it */
export async function stopEngine(record: EngineRecord): Promise<boolean> {
  if (record.kind === 'process') return await stopProcess(record.process);
  if (record.kind === 'endpoint' || !(await isContainerRunning(record.container))) return false;
  await stopContainer(record.container);
  return true;
}

export async function isRunning(record: EngineRecord): Promise<boolean> {
  if (record.kind === 'process') return isAlive(record.process);
  return record.kind === 'endpoint' || (await isContainerRunning(record.container));
}

/** Returns true if an engine compatible with LocalStack answers at this URL. */
export async function isHealthy(url: string): Promise<boolean> {
  try {
    const health = new URL('/_localstack/health', url);
    return (await fetch(health, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    // The connection was refused or reset, or no answer came in time: no engine runs at this URL.
    return false;
  }
}

async function givenEndpoint(folder: StateFolder, endpoint: string): Promise<Engine> {
  const parsed = URL.parse(endpoint);
  if (
    !parsed ||
    parsed.hostname.endsWith('.amazonaws.com') ||
    parsed.hostname.endsWith('.amazonaws.com.cn')
  ) {
    throw new StartFailure(
      `AWS_ENDPOINT_URL=${endpoint} is not the URL of a local AWS engine`,
      'Unset it to start an engine, or set it to the URL of an engine that runs, for example http://127.0.0.1:4566.',
    );
  }
  const url = parsed.href.replace(/\/$/, '');
  if (!(await isHealthy(url))) {
    throw new StartFailure(
      `the engine that AWS_ENDPOINT_URL names does not answer at ${url}/_localstack/health`,
      'Start that engine, or unset AWS_ENDPOINT_URL to start another one.',
    );
  }
  const known = folder.read(RECORDS.engine, engineRecordSchema);
  const record: EngineRecord = { kind: 'endpoint', url, ...givenKey() };
  folder.write(RECORDS.engine, record);
  return { record, fresh: known?.url !== url, description: descriptionOf(record) };
}

/**
 * Returns the key for the engine that AWS_ENDPOINT_URL names. Engines compatible with LocalStack accept any key,
 * unless a key was configured for them.
 */
function givenKey(): EngineKey {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  return accessKeyId && secretAccessKey
    ? { accessKeyId, secretAccessKey }
    : { accessKeyId: 'test', secretAccessKey: 'test' };
}

function keyOf({ accessKeyId, secretAccessKey }: EngineRecord): EngineKey {
  return { accessKeyId, secretAccessKey };
}

async function start(folder: StateFolder, port: number, key: EngineKey): Promise<EngineRecord> {
  const pythons = await findPythons();
  if (pythons.length === 0) {
    if (await dockerAnswers()) return await startContainer(port, key);
    throw new StartFailure(
      'the local AWS engine needs Python 3.10 or later, or Docker, and this machine has neither',
      'Install Python (https://www.python.org/downloads/, on Debian and Ubuntu `apt-get install python3-venv`), ' +
        'start Docker, or set AWS_ENDPOINT_URL to an engine that runs.',
    );
  }
  const engine = await installOrUndefined(folder, pythons);
  if (!engine) return await startContainer(port, key);
  const { process: own } = startDetached({
    command: engine.python,
    args: [GUARDED_MINISTACK],
    env: {
      ...pythonEnvironment(engine, environmentIn(folder)),
      ...guardEnvironment(key, { bindHost: '127.0.0.1', port }),
    },
    log: folder.log('engine'),
    cwd: folder.path,
  });
  return { kind: 'process', url: `http://127.0.0.1:${port}`, ...key, process: own };
}

/**
 * Installs the engine for Python. @returns undefined when it cannot be installed for Python, and Docker can
 * be used
 */
async function installOrUndefined(folder: StateFolder, pythons: readonly string[]) {
  try {
    return await installEngine(folder, pythons);
  } catch (error) {
    if (error instanceof StartFailure && (await dockerAnswers())) return undefined;
    throw error;
  }
}

async function waitUntilHealthy(folder: StateFolder, record: EngineRecord): Promise<void> {
  const deadline = Date.now() + START_MS;
  while (!(await isHealthy(record.url))) {
    const alive = await isRunning(record);
    if (alive && Date.now() < deadline) {
      await sleep(100);
      continue;
    }
    await stopEngine(record);
    const said = tailOf(folder.log('engine'), 8).map((line) => `  ${line}`);
    throw new StartFailure(
      [
        `the local AWS engine ${alive ? 'did not answer within a minute' : 'ended while it was starting'}`,
        ...said,
      ].join('\n'),
      `Read its log in ${folder.log('engine')}. Run \`fleetwright local down --purge\` before the next start to remove all data.`,
    );
  }
}

function descriptionOf(record: EngineRecord): string {
  if (record.kind === 'endpoint') return `engine at ${record.url}, from AWS_ENDPOINT_URL`;
  return `MiniStack ${MINISTACK_VERSION}${record.kind === 'container' ? ' in Docker' : ''} at ${record.url}`;
}
