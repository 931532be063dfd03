import { DriverError, failureOf } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { markRefused } from './mark-failed.ts';

/** A refusal of a connection's credential. */
export interface Refusal {
  /** The cloud's words. */
  failure: Failure;
  /** Time since which the credential is known to be refused, in ms since 1970. */
  sinceMs: number;
}

/** Returns true if the cloud has refused the credential in force of a connection, by the connection's record. Pure. */
export const isRefused = ({ failure }: Pick<Connection, 'failure'>): boolean =>
  failure?.code === 'Unauthorized';

/**
 * Returns the refusal of the credential that a connection has now. A worker that finds one makes no call: the cloud would
 * refuse it. A refusal in the worker's cache is read again, so that work goes on as soon as a verification has succeeded.
 *
 * A connection without a stored credential is marked as refused. For a connection that does not exist, `sinceMs` is 0.
 *
 * @returns undefined if no refusal is known
 */
export async function refusalInForce(
  context: Pick<WorkerContext, 'store' | 'open' | 'forget'>,
  connectionKey: string,
): Promise<Refusal | undefined> {
  const missing = await openOrMiss(context, connectionKey);
  if (missing === 'accepted') return undefined;
  const ref = parseConnectionKey(connectionKey);
  let connection = await readConnectionOf(context.store, ref);
  if (missing !== 'refused') {
    const failure = failureOf(missing);
    if (!connection) return { failure, sinceMs: 0 };
    await markRefused(context, connection, failure);
    connection = await readConnectionOf(context.store, ref);
  }
  if (!connection?.failure || !isRefused(connection)) {
    context.forget(connectionKey);
    return undefined;
  }
  const { failure, failedAt } = connection;
  return { failure, sinceMs: failedAt === undefined ? context.store.clock.now() : Date.parse(failedAt) };
}

/** Opens the connection. @returns the error if it has no credential to open it with */
async function openOrMiss(
  context: Pick<WorkerContext, 'open'>,
  connectionKey: string,
): Promise<'accepted' | 'refused' | DriverError> {
  try {
    const { connection } = await context.open(connectionKey);
    return isRefused(connection) ? 'refused' : 'accepted';
  } catch (error) {
    if (!(error instanceof DriverError) || error.code !== 'Unauthorized') throw error;
    return error;
  }
}
