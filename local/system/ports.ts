import { createServer } from 'node:net';
import { StartFailure } from '../state/start-failure.ts';

/** Number of ports that `freePort` tries. */
const TRIED = 100;

/**
 * Returns the first free port of 127.0.0.1 from `preferred` on.
 *
 * @throws StartFailure if this port and the next 99 are taken
 */
export async function freePort(preferred: number): Promise<number> {
  const last = Math.min(preferred + TRIED, 65_536);
  for (let port = preferred; port < last; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new StartFailure(
    `all ports of 127.0.0.1 from ${preferred} to ${last - 1} are in use`,
    'Stop the programs that use them, or set FLEETWRIGHT_ENGINE_PORT and FLEETWRIGHT_SIM_PORT to other ports.',
  );
}

/**
 * Returns the port from an environment variable, else the first free port from `preferred` on.
 *
 * @throws StartFailure when the variable's value is no port, or the port is taken
 */
export async function choosePort(variable: string, preferred: number): Promise<number> {
  const wanted = process.env[variable];
  if (wanted === undefined || wanted === '') return await freePort(preferred);
  const port = Number(wanted);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StartFailure(
      `${variable}=${wanted} is not a port`,
      'Set it to a whole number from 1 to 65535.',
    );
  }
  if (await isFree(port)) return port;
  throw new StartFailure(
    `port ${port}, which ${variable} names, is in use`,
    `Stop the program that uses it, or unset ${variable} to use the next free port.`,
  );
}

async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  return await promise;
}
