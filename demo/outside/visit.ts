import { CliError, EXIT } from '../../cli/shell/exit.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import type { Stack } from '../run/stack.ts';
import { type ConnectedCloud, connect, requireAnswer } from './connect.ts';
import { OUTSIDE_SIZES } from './make-fleet.ts';
import { countLeft, measure, type OutsideRow } from './measure.ts';
import type { OutsideCloud } from './read-clouds.ts';
import { readCredential } from './read-credential.ts';

type Credentialed = OutsideCloud & ReturnType<typeof readCredential>;

/**
 * Reads the credentials of all outside (not simulated) clouds, and checks that each cloud's server answers.
 *
 * @throws CliError if a variable is not set or a server does not answer
 */
export async function knock(
  clouds: readonly OutsideCloud[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentialed[]> {
  const known = clouds.map((where) => ({ ...where, ...readCredential(where, env) }));
  await Promise.all(known.map(requireAnswer));
  return known;
}

/**
 * Connects to all outside clouds.
 *
 * @throws CliError when a driver is not registered, or a cloud cannot be used
 */
export async function connectAll(
  stack: Stack,
  clouds: readonly Credentialed[],
  say: (line: string) => void,
): Promise<ConnectedCloud[]> {
  if (clouds.length > 0) await requireDrivers(stack, clouds);
  return await Promise.all(
    clouds.map(async ({ driver, url, ...credential }) => {
      say(`Reading the inventory of ${driver} at ${url}`);
      const connected = await connect(stack, { driver, url }, credential, OUTSIDE_SIZES[driver]);
      const { instanceType, image, locations } = connected.group;
      say(`Connection ${connected.connection}: ${instanceType} with ${image} in ${locations.join(', ')}`);
      return connected;
    }),
  );
}

async function requireDrivers({ client }: Stack, clouds: readonly OutsideCloud[]): Promise<void> {
  const { items } = await client.listDrivers();
  const known = items.map(({ name }) => name);
  const missing = clouds.map(({ driver }) => driver).filter((driver) => !known.includes(driver));
  if (missing.length === 0) return;
  throw new CliError(
    EXIT.usage,
    'no-driver',
    `these drivers are not registered: ${missing.join(', ')}`,
    `Name only these in --clouds: ${known.join(', ')}.`,
  );
}

export async function measureAll(
  stack: Stack,
  clouds: readonly ConnectedCloud[],
  fleets: readonly Fleet[],
): Promise<OutsideRow[]> {
  return await Promise.all(clouds.map((one) => measure(stack, one, fleets)));
}

export async function countAllLeft(
  stack: Stack,
  rows: readonly OutsideRow[],
  fleets: readonly Fleet[],
): Promise<OutsideRow[]> {
  const ids = fleets.map(({ id }) => id);
  return await Promise.all(
    rows.map(async (row) => ({
      ...row,
      remainingAfterDelete: await countLeft(stack, row.connection, ids),
    })),
  );
}
