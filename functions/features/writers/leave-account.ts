import { has } from '../../drivers/contract/capabilities.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { noteLeft } from '../../platform/store/connection-deletion.ts';
import { connectionsOfDriver, readConnectionOf } from '../../platform/store/connections.ts';
import { ACK, type MessageResult, requeueAfter, type WorkerContext } from '../../platform/worker/context.ts';
import type { LeaveAccountMessage } from '../../platform/workflow/messages.ts';

/**
 * Removes this deployment's mark from the account of a connection that is being deleted, unless another
 * connection of the deployment uses that account. If the cloud does not remove the mark, the mark stays in
 * the account, and expires a day after it was last renewed.
 */
export async function leaveAccount(
  context: WorkerContext,
  { connectionKey, deletionId }: LeaveAccountMessage,
): Promise<MessageResult> {
  const { store, log, writerId } = context;
  const connection = await readConnectionOf(store, parseConnectionKey(connectionKey));
  const deletion = connection?.deletion;
  if (!connection || deletion?.id !== deletionId || !deletion.isDecided) return ACK;
  try {
    const { client } = await context.open(connectionKey);
    if (has(client, 'writer-marks') && !(await isSharedAccount(context, connection)))
      await client.removeWriterMark(writerId);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit') return requeueAfter(error.retryAfterMs ?? 1_000);
    log.warn('the mark of this deployment could not be removed from the account', {
      connectionKey,
      code: error.code,
    });
  }
  await noteLeft(store, { ...connection, deletion });
  return ACK;
}

/**
 * Returns true if another connection of the deployment may use the same account. If the account of one of the
 * two connections is unknown, connections with the same cloud and endpoint may share an account.
 */
async function isSharedAccount({ store }: WorkerContext, own: Connection): Promise<boolean> {
  const { driver, cloud, endpoint, account } = own;
  return (await connectionsOfDriver(store, driver)).some(
    (other) =>
      other.id !== own.id &&
      (account === undefined || other.account === undefined
        ? other.cloud === cloud && other.endpoint === endpoint
        : other.account === account),
  );
}
