import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  findPythons,
  installPython,
  type PythonProgram,
  pythonEnvironment,
} from '../../../local/engine/python.ts';
import { StateFolder } from '../../../local/state/folder.ts';
import {
  isAlive,
  killProcess,
  type OwnProcess,
  startDetached,
  stopProcess,
  tailOf,
} from '../../../local/state/processes.ts';
import { StartFailure } from '../../../local/state/start-failure.ts';
import { forward } from '../../fault-proxy/exchange.ts';

export const MOTO_VERSION = '5.2.2';
const MOTO: PythonProgram = {
  title: 'moto, a simulator of AWS',
  distribution: 'moto',
  version: MOTO_VERSION,
  requirements: join(dirname(fileURLToPath(import.meta.url)), 'moto-requirements.txt'),
};
/** Matches the line of moto's log that names the port on which moto listens. */
const LISTENS = /Running on http:\/\/127\.0\.0\.1:(\d+)/;
const START_MS = 60_000;

/** Enables checks that EC2 always makes. moto makes these checks only on request. */
const STRICT = {
  MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: '1',
  MOTO_ENABLE_AMI_VALIDATION: '1',
  MOTO_ENABLE_KEYPAIR_VALIDATION: '1',
};

/** A moto server that this process started. */
export interface MotoServer {
  url: string;
  /** Deletes all resources. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** How to serve moto. */
export interface Serving {
  /**
   * Arguments of Python. moto must listen on port 0 of 127.0.0.1: then the system chooses a port that no other process
   * gets. Several servers of moto may start at the same time, and a port that was free before moto started may be
   * another server's port afterwards.
   */
  command: readonly string[];
  env: NodeJS.ProcessEnv;
}

const AS_SHIPPED: Serving = {
  command: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'],
  env: STRICT,
};

/**
 * Starts moto. Installs it below the state folder first if it is missing.
 *
 * @throws StartFailure if no suitable Python is installed, or moto does not start
 */
export async function startMoto(serving: Serving = AS_SHIPPED): Promise<MotoServer> {
  const folder = new StateFolder();
  const pythons = await findPythons();
  if (pythons.length === 0) {
    throw new StartFailure(
      'moto needs Python 3.10 or later',
      'Install it, for instance the package python3.',
    );
  }
  const installed = await installPython(folder, MOTO, pythons);
  const log = folder.log(`moto-${randomUUID()}`);
  const { process: own } = startDetached({
    command: installed.python,
    args: serving.command,
    env: { ...pythonEnvironment(installed), ...serving.env },
    log,
  });
  const onExit = () => killProcess(own);
  process.once('exit', onExit);
  const stop = async () => {
    process.off('exit', onExit);
    await stopProcess(own);
  };
  const url = await urlOf(own, log).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const reset = async () => {
    // `forward` opens a new connection, because moto may close an idle connection just when it is used again.
    const request = { upstream: 'moto', method: 'POST', path: '/moto-api/reset', headers: {} };
    const { status } = await forward(new URL(url), { ...request, body: Buffer.alloc(0) });
    if (status !== 200) throw new Error(`moto answered ${status} to a reset`);
  };
  return { url, reset, stop };
}

/** Waits until moto answers. @throws StartFailure if moto has ended, or does not answer within START_MS */
async function urlOf(own: OwnProcess, log: string): Promise<string> {
  for (const deadline = Date.now() + START_MS; isAlive(own) && Date.now() < deadline; await sleep(100)) {
    const [, port] = LISTENS.exec(readFileSync(log, 'utf8')) ?? [];
    const url = `http://127.0.0.1:${port}`;
    if (port !== undefined && (await answers(url))) return url;
  }
  throw new StartFailure(`moto does not start:\n${tailOf(log, 5).join('\n')}`, `Its log is ${log}.`);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/moto-api/data.json`, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    // moto has not opened its port yet.
    return false;
  }
}
