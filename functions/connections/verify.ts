import { DriverError } from '../drivers/errors.ts';
import type { Connection } from '../model/connection.ts';
import { parseConnectionKey } from '../model/identifiers.ts';
import { readConnection, updateConnection } from '../store/connections.ts';
import { type Disposition, DONE, type WorkerContext, waitFor } from '../worker/context.ts';
import type { VerifyMessage } from '../workflow/messages.ts';

/**
 * Verifies a connection's credential at its cloud: the one in force, or the one that a rotation is about, which comes
 * into force by that. A good one has its inventory synced next. A connection that has been verified before stays
 * Ready when its cloud cannot be reached; a disabled one stays disabled, whatever comes of it.
 */
export async function verifyConnection(
  context: WorkerContext,
  { connectionKey, rotation, sync }: VerifyMessage,
): Promise<Disposition> {
  const { namespace, name } = parseConnectionKey(connectionKey);
  const connection = await readConnection(context.store, namespace, name);
  if (!connection) return DONE;
  if (rotation !== undefined && connection.rotation?.version !== rotation) return DONE;
  context.forget(connectionKey);
  try {
    const client =
      rotation === undefined
        ? (await context.open(connectionKey)).client
        : await context.openWith({ ...connection, credentialVersion: rotation });
    await client.verifyCredential();
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'Throttled') return waitFor(error.retryAfterMs ?? 2_000);
    await writeRefusal(context, connection, rotation, error);
    return DONE;
  }
  await writeVerified(context, connection, rotation);
  context.forget(connectionKey);
  if (sync !== false) await context.send({ kind: 'sync-inventory', connectionKey }, 0);
  return DONE;
}

async function writeVerified(
  { store }: WorkerContext,
  { namespace, name, status }: Connection,
  rotation: number | undefined,
): Promise<void> {
  const verifiedAt = new Date(store.clock.now()).toISOString();
  const update = (ready: { status?: 'Ready' }, statusNot?: 'Disabled') =>
    rotation === undefined
      ? updateConnection(
          store,
          namespace,
          name,
          { ...ready, verifiedAt },
          { ...(statusNot && { statusNot }) },
        )
      : updateConnection(
          store,
          namespace,
          name,
          { ...ready, verifiedAt, credentialVersion: rotation },
          { rotationVersion: rotation, remove: ['rotation'], ...(statusNot && { statusNot }) },
        );
  if (status !== 'Disabled' && (await update({ status: 'Ready' }, 'Disabled'))) return;
  // It is disabled, or has become so meanwhile: what is known of its credential is written all the same.
  await update({});
}

async function writeRefusal(
  { store, log }: WorkerContext,
  { namespace, name, status, credentialVersion, rotation: wanted }: Connection,
  rotation: number | undefined,
  error: DriverError,
): Promise<void> {
  const failure = { code: error.code, message: error.message };
  if (rotation !== undefined && wanted) {
    const failed = { ...wanted, status: 'Failed', failure } as const;
    await updateConnection(store, namespace, name, { rotation: failed }, { rotationVersion: rotation });
    return;
  }
  const isUnreachable = error.code === 'Unavailable' || error.code === 'OutcomeUnknown';
  if (isUnreachable && status === 'Ready') {
    log.warn('a connection was not verified', { namespace, connection: name, ...failure });
    return;
  }
  const isInForce = { statusNot: 'Disabled', credentialVersion } as const;
  await updateConnection(store, namespace, name, { status: 'Failed', failure }, isInForce);
}
