import { join } from 'node:path';
import type { EngineKey } from './access.ts';

/** Path of the Python program that serves MiniStack behind a guard. */
export const GUARDED_MINISTACK = join(import.meta.dirname, 'guarded_ministack.py');

export interface Listening {
  bindHost: '127.0.0.1' | '0.0.0.0';
  port: number;
  /** The port that clients outside the container use. Absent: the same as `port`. */
  seenAs?: number;
}

/** Returns the guard program's settings as environment variables. */
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
    // Switches off services that would open further ports. The local stack does not use these services.
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    LOG_LEVEL: 'WARNING',
  };
}
