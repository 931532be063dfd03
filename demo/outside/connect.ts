import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, EXIT } from '../../cli/shell/exit.ts';
import { ApiProblem, eachItem } from '../../client/index.ts';
import type { Cloud, InstanceType } from '../../functions/model/cloud.ts';
import type { Connection, Credential } from '../../functions/model/connection.ts';
import type { NodeGroupRequest } from '../../functions/model/fleet-request.ts';
import type { Stack } from '../run/stack.ts';
import { chooseGroup, type OfferedAt } from './choose-group.ts';
import type { OutsideCloud } from './read-clouds.ts';

/** An outside (not simulated) cloud with its connection, and the node group to launch there. */
export interface ConnectedCloud extends OutsideCloud {
  cloud: Cloud;
  connection: string;
  group: NodeGroupRequest;
}

/**
 * Maximum number of locations whose offers are read. Some clouds have dozens of locations, and four are enough to
 * spread the fleet.
 */
const MAX_LOCATIONS = 4;
const POLL_MS = 1_000;
const READY_MS = 10 * 60_000;
const ANSWER_MS = 10_000;

/** Checks that a server answers. @throws CliError when no server answers at the address */
export async function requireAnswer({ driver, url }: OutsideCloud): Promise<void> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (cause) {
    throw new CliError(
      EXIT.unreachable,
      'no-server',
      `the server for driver ${driver} does not answer at ${url}`,
      'Start the server, or give its right URL in --clouds.',
      { cause },
    );
  }
}

/**
 * Creates a connection to a cloud, waits until the connection's catalogue has offers at some locations, and
 * chooses the node group to launch.
 *
 * @param size number of instances at a scale of 1
 * @throws CliError when the cloud refuses the credential, or no location offers a type with an image that
 *   boots on it
 */
export async function connect(
  stack: Stack,
  where: OutsideCloud,
  { cloud, credential }: { cloud: Cloud; credential: Credential },
  size: number,
): Promise<ConnectedCloud> {
  const name = `demo-${where.driver}`;
  const endpoint = stack.seenByFunctions(where.url);
  await register(stack, { name, driver: where.driver, cloud, credential, endpoint });
  const offered = await waitForOffers(stack, name);
  const params = { namespace: stack.namespace, connection: name };
  const types: InstanceType[] = [];
  const known = eachItem(stack.client.listInstanceTypes, { params, query: { limit: 500 } });
  for await (const type of known) types.push(type);
  const group = chooseGroup(name, size, types, offered);
  if (group) return { ...where, cloud, connection: name, group };
  throw new CliError(
    EXIT.otherwise,
    'nothing-offered',
    `${where.driver} at ${where.url} has no location with an instance type and an image that boots on it`,
    `To see the images of this cloud, run: npx fleetwright image list --connection ${name}`,
  );
}

type Wanted = Pick<Connection, 'name' | 'driver' | 'cloud'> & { credential: Credential; endpoint: string };

/**
 * Creates the connection. A connection of an earlier run is used again if it is Ready and has the same
 * endpoint. Otherwise the earlier connection is replaced.
 */
async function register({ client, namespace }: Stack, wanted: Wanted): Promise<void> {
  const params = { namespace, connection: wanted.name };
  try {
    const { status, endpoint } = await client.getConnection({ params });
    if (status === 'Ready' && endpoint === wanted.endpoint) return;
    await client.deleteConnection({ params });
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    if (error.status !== 404) {
      throw new CliError(
        EXIT.usage,
        'connection-in-use',
        `connection ${wanted.name} of an earlier run cannot be replaced: ${error.message}`,
        'Delete the fleet of that run: npx fleetwright fleet delete many-clouds --wait',
        { cause: error },
      );
    }
  }
  await client.createConnection({ params: { namespace }, body: wanted });
}

/** Waits until `MAX_LOCATIONS` locations have offers, or all locations have been read. */
async function waitForOffers(stack: Stack, name: string): Promise<OfferedAt[]> {
  const params = { namespace: stack.namespace, connection: name };
  for (const untilMs = Date.now() + READY_MS; ; await sleep(POLL_MS)) {
    const { status, failure, inventorySyncedAt } = await stack.client.getConnection({ params });
    if (status === 'Failed') {
      throw new CliError(
        EXIT.otherwise,
        'not-verified',
        `connection ${name} did not become Ready: ${failure?.code ?? 'Failed'}: ${failure?.message ?? 'the cloud gave no reason'}`,
        'Check the environment variables that the credential is read from.',
      );
    }
    const offered = status === 'Ready' ? await readOffers(stack, name) : [];
    const isWhole = inventorySyncedAt !== undefined;
    if (offered.length >= MAX_LOCATIONS || (isWhole && offered.length > 0)) return offered;
    if (Date.now() < untilMs && !isWhole) continue;
    throw new CliError(
      EXIT.otherwise,
      'no-inventory',
      `the inventory of connection ${name} was not read in time`,
      'Run `npx fleetwright local logs` to see the log of its driver.',
    );
  }
}

/** Reads at most `MAX_LOCATIONS` of the locations whose offers and images are in the catalogue already. */
async function readOffers({ client, namespace }: Stack, name: string): Promise<OfferedAt[]> {
  const params = { namespace, connection: name };
  const offered: OfferedAt[] = [];
  for await (const { name: location, available } of eachItem(client.listLocations, {
    params,
    query: { limit: 100 },
  })) {
    if (!available) continue;
    const { items: images } = await client.listImages({ params, query: { location, limit: 500 } });
    if (images.length === 0) continue;
    const offers = eachItem(client.listOffers, { params, query: { location, available: true, limit: 500 } });
    const types = new Set<string>();
    for await (const { instanceType } of offers) types.add(instanceType);
    if (types.size > 0) offered.push({ location, types, images });
    if (offered.length === MAX_LOCATIONS) break;
  }
  return offered;
}
