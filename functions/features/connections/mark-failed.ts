import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { connectionKey } from '../../model/identifiers.ts';
import { readConnection, updateConnection } from '../../platform/store/connections.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/**
 * The cloud refused the credential that a connection was opened with: its client is dropped, and no further fleet may
 * use the connection until it is verified again. Not when another credential has come into force since, which the
 * same call would be made with if it were made again.
 *
 * @returns whether the refused credential is the one in force
 */
export async function markRefused(
  context: Pick<WorkerContext, 'store' | 'forget'>,
  { namespace, name, id, credentialVersion }: Connection,
  failure: Failure,
): Promise<boolean> {
  context.forget(connectionKey(namespace, name));
  const isInForce = { id, statusNot: 'Disabled', credentialVersion } as const;
  if (await updateConnection(context.store, namespace, name, { status: 'Failed', failure }, isInForce))
    return true;
  const now = await readConnection(context.store, namespace, name);
  return now === undefined || (now.id === id && now.credentialVersion === credentialVersion);
}
