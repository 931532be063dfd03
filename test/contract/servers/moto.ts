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
import { isAlive, killProcess, startDetached, stopProcess, tailOf } from '../../../local/state/processes.ts';
import { StartFailure } from '../../../local/state/start-failure.ts';
import { freePort } from '../../../local/system/ports.ts';
import { forward } from '../../fault-proxy/exchange.ts';

export const MOTO_VERSION = '5.2.2';
const MOTO: PythonProgram = {
  title: 'moto, a simulator of AWS',
  distribution: 'moto',
  version: MOTO_VERSION,
  requirements: join(dirname(fileURLToPath(import.meta.url)), 'moto-requirements.txt'),
};
const PORTS_FROM = 15_566;
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
  /** Arguments of Python, by the port of 127.0.0.1 on which moto is to answer. */
  commandFor(port: number): readonly string[];
  env: NodeJS.ProcessEnv;
}

const AS_SHIPPED: Serving = {
  commandFor: (port) => ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
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
  const port = await freePort(PORTS_FROM);
  const url = `http://127.0.0.1:${port}`;
  const log = folder.log(`moto-${port}`);
  const { process: own } = startDetached({
    command: installed.python,
    args: serving.commandFor(port),
    env: { ...pythonEnvironment(installed), ...serving.env },
    log,
  });
  const onExit = () => killProcess(own);
  process.once('exit', onExit);
  const stop = async () => {
    process.off('exit', onExit);
    await stopProcess(own);
  };
  const reset = async () => {
    // `forward` opens a new connection, because moto may close an idle connection just when it is used again.
    const request = { upstream: 'moto', method: 'POST', path: '/moto-api/reset', headers: {} };
    const { status } = await forward(new URL(url), { ...request, body: Buffer.alloc(0) });
    if (status !== 200) throw new Error(`moto answered ${status} to a reset`);
  };
  for (const deadline = Date.now() + START_MS; ; await sleep(100)) {
    if (await answers(url)) break;
    if (isAlive(own) && Date.now() < deadline) continue;
    await stop();
    throw new StartFailure(`moto does not start:\n${tailOf(log, 5).join('\n')}`, `Its log is ${log}.`);
  }
  return { url, reset, stop };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/moto-api/data.json`, { signal: AbortSignal.timeout(5_000) })).ok;
  } catch {
    // moto has not opened its port yet.
    return false;
  }
}
