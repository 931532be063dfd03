import { join } from 'node:path';
import type { EngineKey } from './access.ts';

/** The program that serves MiniStack behind a guard. It is in Python, as MiniStack is. */
export const GUARDED_MINISTACK = join(import.meta.dirname, 'guarded_ministack.py');

export interface Listening {
  bindHost: '127.0.0.1' | '0.0.0.0';
  port: number;
  /** The port for clients outside the container, if it differs. */
  seenAs?: number;
}

/**
 * Returns the program's settings as environment variables. The functions in the engine read the key from
 * them, too.
 */
export function guardEnvironment(
  { accessKeyId, secretAccessKey }: EngineKey,
  { bindHost, port, seenAs = port }: Listening,
): Record<string, string> {
  const hosts = [...new Set([port, seenAs])].flatMap((one) => [
    `127.0.0.1:${one}`,
    `localhost:${one}`,
    `[::1]:${one}`,
  ]);
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    BIND_HOST: bindHost,
    FLEETWRIGHT_ENGINE_HOSTS: hosts.join(','),
    GATEWAY_PORT: String(port),
    // Services that open further ports are switched off, because the local stack does not use them.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    LOG_LEVEL: 'WARNING',
  };
}
