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
  /** Whether this call started it: it is empty then. */
  fresh: boolean;
  /** `MiniStack 1.5.33` */
  description: string;
}

/**
 * The AWS engine of this machine: the endpoint in AWS_ENDPOINT_URL, the one that an earlier call started, MiniStack
 * on Python, or MiniStack in Docker, in this order.
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
  // What an engine that was killed left there.
  folder.removeTemporary();
  const port = await choosePort('FLEETWRIGHT_ENGINE_PORT', PORT);
  // An engine that ended by itself is followed by one with its key, which tools may have been told.
  const key = known && known.kind !== 'endpoint' ? keyOf(known) : makeEngineKey();
  const record = await start(folder, port, key);
  folder.write(RECORDS.engine, record);
  await waitUntilHealthy(folder, record);
  return { record, fresh: true, description: descriptionOf(record) };
}

/** @returns false when it was not running, or is not ours to stop */
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

/** Whether something there answers as LocalStack does. */
export async function isHealthy(url: string): Promise<boolean> {
  try {
    const health = new URL('/_localstack/health', url);
    return (await fetch(health, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    // Refused, reset or too late: whatever it is, it is no engine that answers.
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
      'Unset it, and an engine is started; or give the URL of one that runs, such as http://127.0.0.1:4566.',
    );
  }
  const url = parsed.href.replace(/\/$/, '');
  if (!(await isHealthy(url))) {
    throw new StartFailure(
      `nothing answers ${url}/_localstack/health, though AWS_ENDPOINT_URL names it`,
      'Start that engine, or unset AWS_ENDPOINT_URL, and one is started for you.',
    );
  }
  const known = folder.read(RECORDS.engine, engineRecordSchema);
  const record: EngineRecord = { kind: 'endpoint', url, ...givenKey() };
  folder.write(RECORDS.engine, record);
  return { record, fresh: known?.url !== url, description: descriptionOf(record) };
}

/** Engines that are compatible with LocalStack take any key, unless their owner says otherwise. */
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
      'the local AWS engine needs Python 3.10 or later, or Docker, and neither is here',
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

/** @returns undefined when Python cannot have the engine and Docker can */
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
      [`the local AWS engine ${alive ? 'did not answer within a minute' : 'ended at once'}`, ...said].join(
        '\n',
      ),
      `Its log is ${folder.log('engine')}. \`fleetwright local down --purge\` makes the next start a clean one.`,
    );
  }
}

function descriptionOf(record: EngineRecord): string {
  if (record.kind === 'endpoint') return `engine at ${record.url}, from AWS_ENDPOINT_URL`;
  return `MiniStack ${MINISTACK_VERSION}${record.kind === 'container' ? ' in Docker' : ''} at ${record.url}`;
}
