import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { connectionKey } from '../../model/identifiers.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { appendAudit, idOfAct } from '../../platform/store/append-audit.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import type { Store } from '../../platform/store/store.ts';
import { updateConnection } from '../../platform/store/update-connection.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/**
 * Marks a connection Failed after the cloud rejected its credential, and drops the connection's cached
 * client. No further fleet may use the connection until the connection is verified again, and launches wait for that.
 * A disabled connection stays Disabled, and its record gets the cloud's words. If another credential has come into force
 * in the meantime, changes nothing in the record: the caller can repeat the call to the cloud with the credential now in
 * force.
 *
 * @returns true if the rejected credential is still in force, or if the connection no longer exists
 */
export async function markRefused(
  context: Pick<WorkerContext, 'store' | 'forget'>,
  connection: Connection,
  { code, message }: Failure,
): Promise<boolean> {
  const { id, credentialVersion } = connection;
  context.forget(connectionKey(connection));
  const isInForce = { id, credentialVersion } as const;
  const failure = { code, message };
  const isActive = { ...isInForce, statusNot: 'Disabled' } as const;
  const failed = await updateConnection(context.store, connection, { status: 'Failed', failure }, isActive);
  if (failed) {
    await recordFailed(context.store, failed, code);
    return true;
  }
  const isDisabled = { ...isInForce, statusIs: 'Disabled' } as const;
  if (await updateConnection(context.store, connection, { failure }, isDisabled)) return true;
  const now = await readConnectionOf(context.store, connection);
  return now === undefined || (now.id === id && now.credentialVersion === credentialVersion);
}

/**
 * Appends to the audit log that a connection has failed. The time is that of its first failure since it was Ready: it has one
 * entry, however often the cloud refuses its credential.
 */
export async function recordFailed(
  store: Store<'audit'>,
  { id, namespace, name, cloud, failedAt }: Connection,
  code: string,
): Promise<void> {
  if (failedAt === undefined) return;
  await appendAudit(store, {
    at: isoTime(Date.parse(failedAt)),
    id: idOfAct(id, 'connection.fail', failedAt),
    type: 'connection.fail',
    namespace,
    actor: { kind: 'cloud', name: cloud },
    target: { kind: 'connection', name, id },
    result: 'succeeded',
    data: { code },
  });
}
