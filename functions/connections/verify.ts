import { DriverError } from '../drivers/errors.ts';
import { parseConnectionKey } from '../model/identifiers.ts';
import { updateConnection } from '../store/connections.ts';
import { type Disposition, DONE, type WorkerContext, waitFor } from '../worker/context.ts';
import type { VerifyMessage } from '../workflow/messages.ts';
import { markConnectionFailed } from './mark-failed.ts';

/** Verifies a connection's credential at its cloud; one that is good has its inventory synced next. */
export async function verifyConnection(
  context: WorkerContext,
  { connectionKey }: VerifyMessage,
): Promise<Disposition> {
  context.forget(connectionKey);
  try {
    const { client } = await context.open(connectionKey);
    await client.verifyCredential();
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'Throttled') return waitFor(error.retryAfterMs ?? 2_000);
    await markConnectionFailed(context.store, connectionKey, { code: error.code, message: error.message });
    return DONE;
  }
  const { namespace, name } = parseConnectionKey(connectionKey);
  await updateConnection(context.store, namespace, name, {
    status: 'Ready',
    verifiedAt: new Date(context.store.clock.now()).toISOString(),
  });
  await context.send({ kind: 'sync-inventory', connectionKey }, 0);
  return DONE;
}
