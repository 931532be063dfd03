import { readFileSync } from 'node:fs';
import type { EngineRecord } from '../state/records.ts';
import { StartFailure } from '../state/start-failure.ts';
import { lastLines, runCommand } from '../system/run-command.ts';
import type { EngineKey } from './access.ts';
import { GUARDED_MINISTACK, guardEnvironment } from './guarded-ministack.ts';
import { MINISTACK_VERSION } from './python.ts';

const IMAGE = `ministackorg/ministack:${MINISTACK_VERSION}`;
const PULL_MS = 600_000;
const CONTAINER_PORT = 4566;

export async function dockerAnswers(): Promise<boolean> {
  const { code } = await runCommand('docker', ['info', '--format', '{{.ServerVersion}}'], {
    timeoutMs: 10_000,
  });
  return code === 0;
}

/**
 * Starts MiniStack in a container, behind the guard of `guarded_ministack.py`. The functions in MiniStack
 * must reach the simulated clouds, which listen only on this machine's loopback. On Linux, the container
 * therefore shares the host's network. On other systems, the functions use Docker Desktop's name for the
 * host.
 *
 * @throws StartFailure
 */
export async function startContainer(
  port: number,
  key: EngineKey,
): Promise<EngineRecord & { kind: 'container' }> {
  const shared = process.platform === 'linux';
  const network = shared ? ['--network', 'host'] : ['--publish', `127.0.0.1:${port}:${CONTAINER_PORT}`];
  const variables = shared
    ? guardEnvironment(key, { bindHost: '127.0.0.1', port })
    : guardEnvironment(key, { bindHost: '0.0.0.0', port: CONTAINER_PORT, seenAs: port });
  const started = await runCommand('docker', containerArguments(network, Object.keys(variables)), {
    // The variables' values are passed in the environment. The command line, which every user of this machine
    // can read, has only the variables' names.
    env: { ...process.env, ...variables },
    timeoutMs: PULL_MS,
  });
  if (started.code !== 0) {
    throw new StartFailure(
      `Docker cannot start ${IMAGE}: ${lastLines(started.stderr, 3)}`,
      `Install Python 3.10 or later instead, or get the image with \`docker pull ${IMAGE}\`.`,
    );
  }
  return {
    kind: 'container',
    url: `http://127.0.0.1:${port}`,
    ...key,
    container: started.stdout.trim(),
    hostSeenAs: shared ? '127.0.0.1' : 'host.docker.internal',
  };
}

function containerArguments(network: readonly string[], variables: readonly string[]): string[] {
  const named = variables.flatMap((name) => ['--env', name]);
  // The image's health check is disabled, because the guard does not accept the Host header of that check.
  // The guard program is passed as text, because Docker may run on another machine, or may have no right to
  // read this folder.
  const options = ['--detach', '--rm', '--no-healthcheck', '--entrypoint', 'python', ...named, ...network];
  return ['run', ...options, IMAGE, '-c', readFileSync(GUARDED_MINISTACK, 'utf8')];
}

export async function isContainerRunning(container: string): Promise<boolean> {
  const { code, stdout } = await runCommand('docker', [
    'inspect',
    '--format',
    '{{.State.Running}}',
    container,
  ]);
  return code === 0 && stdout.trim() === 'true';
}

/** Stops a container. @throws Error when Docker does not stop it */
export async function stopContainer(container: string): Promise<void> {
  const { code, stderr } = await runCommand('docker', ['stop', '--time', '5', container], {
    timeoutMs: 60_000,
  });
  if (code !== 0) throw new Error(`docker stop ${container}: ${lastLines(stderr, 1)}`);
}

export async function containerLog(container: string, lines: number): Promise<string[]> {
  const { stdout, stderr } = await runCommand('docker', ['logs', '--tail', String(lines), container]);
  return `${stdout}${stderr}`.trimEnd().split('\n');
}
