import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, EXIT } from '../../cli/shell/exit.ts';
import { ApiProblem, eachItem } from '../../client/index.ts';
import type { Stack } from '../../demo/run/stack.ts';
import { CONNECTION_PREFIX, type QuickCloud } from './quick-cloud.ts';

const POLL_MS = 500;
const READY_MS = 120_000;

/**
 * Creates the connection to the cloud and waits until it is verified and its catalogue is read.
 *
 * @throws CliError when an earlier run's connection cannot be removed, or the cloud cannot be used
 */
export async function connectQuickCloud(stack: Stack, { connection }: QuickCloud): Promise<void> {
  const { client, namespace } = stack;
  const { name } = connection;
  await removeEarlier(stack);
  await client.createConnection({ params: { namespace }, body: connection });
  for (const untilMs = Date.now() + READY_MS; ; await sleep(POLL_MS)) {
    const { status, failure, inventorySyncedAt } = await client.getConnection({
      params: { namespace, connection: name },
    });
    if (status === 'Ready' && inventorySyncedAt !== undefined) return;
    if (status !== 'Failed' && Date.now() < untilMs) continue;
    throw new CliError(
      EXIT.otherwise,
      'not-ready',
      `connection ${name} is not ready: ${failure?.message ?? status}`,
      'Run `npx fleetwright local logs` to see the log of its driver.',
    );
  }
}

/** Removes the connections of killed runs, whose clouds no longer exist. */
async function removeEarlier({ client, namespace }: Stack): Promise<void> {
  const earlier: string[] = [];
  const all = eachItem(client.listConnections, { params: { namespace }, query: { limit: 500 } });
  for await (const { name } of all) if (name.startsWith(CONNECTION_PREFIX)) earlier.push(name);
  for (const connection of earlier) {
    try {
      await client.deleteConnection({ params: { namespace, connection } });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      throw new CliError(
        EXIT.usage,
        'connection-in-use',
        `connection ${connection} of an earlier run cannot be removed: ${error.message}`,
        'Remove all data of the local stack: npx fleetwright local down --purge',
        { cause: error },
      );
    }
  }
}

export async function disconnect({ client, namespace }: Stack, { connection }: QuickCloud): Promise<void> {
  await client.deleteConnection({ params: { namespace, connection: connection.name } });
}
