import { lastLines, runCommand } from '../run-command.ts';
import { StartFailure } from '../start-failure.ts';
import type { EngineRecord } from '../state/records.ts';
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
 * MiniStack in a container. Its functions must reach the simulated clouds, which listen on this machine's
 * loopback alone: on Linux by sharing the network, elsewhere by the name that Docker Desktop has for the host.
 *
 * @throws StartFailure
 */
export async function startContainer(port: number): Promise<EngineRecord & { kind: 'container' }> {
  const shared = process.platform === 'linux';
  const network = shared
    ? ['--network', 'host', '--env', `GATEWAY_PORT=${port}`, '--env', 'BIND_HOST=127.0.0.1']
    : ['--publish', `127.0.0.1:${port}:${CONTAINER_PORT}`];
  const started = await runCommand(
    'docker',
    ['run', '--detach', '--rm', '--env', 'LOG_LEVEL=WARNING', ...network, IMAGE],
    { timeoutMs: PULL_MS },
  );
  if (started.code !== 0) {
    throw new StartFailure(
      `Docker cannot start ${IMAGE}: ${lastLines(started.stderr, 3)}`,
      'Install Python 3.10 or later instead, or put the image where Docker finds it (`docker pull`).',
    );
  }
  return {
    kind: 'container',
    url: `http://127.0.0.1:${port}`,
    container: started.stdout.trim(),
    hostSeenAs: shared ? '127.0.0.1' : 'host.docker.internal',
  };
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

/** @throws Error when Docker does not stop it */
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
