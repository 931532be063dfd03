import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { listAbandonedSecrets } from '../../platform/store/abandoned-secrets.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { updateConnection } from '../../platform/store/update-connection.ts';
import {
  ACK,
  CONNECTION_KEPT_MS,
  type MessageResult,
  requeueAfter,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { VerifyMessage } from '../../platform/workflow/messages.ts';
import { claimMark, idInUse } from '../writers/keep-mark.ts';
import { checkRights } from './check-rights.ts';
import { type AccountVerdict, type Fit, judgeAccount } from './judge-account.ts';
import { recordFailed } from './mark-failed.ts';

/**
 * Maximum time that a call waits for its permit, in ms. After this time, the message is requeued, and all
 * calls of the verification are repeated. Waiting costs less than a repetition, because a verification makes
 * several calls.
 */
const PERMIT_WAIT_MS = 5_000;
/**
 * Delay before the verification is repeated, in ms, if its result was not written because the connection had
 * changed.
 */
const CHANGED_MS = 1_000;
/**
 * Time after a change of account, in ms, in which workers may still use clients of the earlier account. A
 * worker caches a client for CONNECTION_KEPT_MS. The rest of the time covers a call that is still under way.
 * To a worker with such a client, new machines would seem to have vanished. Therefore the connection accepts
 * no fleet in this time.
 */
const ACCOUNT_SETTLES_MS = 2 * CONNECTION_KEPT_MS;

/**
 * Verifies a connection's credential at its cloud. With `rotation`, verifies the new credential of a
 * rotation, which comes into force after a success. Without `rotation`, verifies the credential in force.
 * After a success, requests an inventory sync.
 *
 * While the connection has live fleets or instances, a credential of another account is refused. With such a
 * credential, the machines of these instances would seem to have vanished. If the cloud cannot be reached, a
 * Ready connection stays Ready. A disabled connection stays disabled in every case.
 */
export async function verifyConnection(
  context: WorkerContext,
  { connectionKey, rotation, sync }: VerifyMessage,
): Promise<MessageResult> {
  const connection = await readConnectionOf(context.store, parseConnectionKey(connectionKey));
  if (!connection) return ACK;
  if (rotation !== undefined && connection.rotation?.version !== rotation) return ACK;
  const settlesInMs = rotation === undefined ? accountSettlesInMs(context, connection) : 0;
  if (settlesInMs > 0) return requeueAfter(settlesInMs);
  context.forget(connectionKey);
  let verdict: AccountVerdict;
  let verified: CloudClient;
  try {
    const opened =
      rotation === undefined
        ? await context.open(connectionKey)
        : await context.openWith({ ...connection, credentialVersion: rotation });
    const client = opened.onTerms({ waitMs: PERMIT_WAIT_MS });
    verified = client;
    verdict = await judgeWriter(
      context,
      connection,
      client,
      await judgeAccount(context, connection, rotation, client).catch((error: unknown) =>
        acceptDenial(error, rotation),
      ),
    );
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'Throttled' || error.code === 'NoPermit')
      return requeueAfter(error.retryAfterMs ?? 2_000);
    await writeRefusal(context, connection, rotation, error);
    return ACK;
  }
  if ('waitMs' in verdict) return requeueAfter(verdict.waitMs);
  if ('condition' in verdict && !verdict.isChange && !verdict.warning) {
    const warning = await checkRights(context, connection, verified);
    verdict = warning ? { ...verdict, warning } : verdict;
  }
  const takesNameOverInMs = await nameSettlesInMs(context, connection, rotation, verdict);
  if (takesNameOverInMs > 0) return requeueAfter(takesNameOverInMs);
  if ('refused' in verdict) {
    context.log.warn('the cloud refused a credential', { connectionKey, ...verdict.refused });
    await writeRefusal(context, connection, rotation, verdict.refused);
    return ACK;
  }
  // Send the message of the next verification before the write. If the worker wrote first and then died, no
  // other worker would send this message.
  if (verdict.isChange) await context.send({ kind: 'verify', connectionKey }, ACCOUNT_SETTLES_MS);
  if (!(await writeVerified(context, connection, rotation, verdict))) return requeueAfter(CHANGED_MS);
  context.forget(connectionKey);
  if (verdict.isChange) return ACK;
  const isChecked = has(verified, 'rights-check');
  const inForce = rotation ?? connection.credentialVersion;
  const rights = {
    kind: 'check-rights' as const,
    connectionKey,
    ...(inForce === undefined ? {} : { credentialVersion: inForce }),
  };
  // The sync tells which locations there are. The rights at each of them are checked afterwards.
  if (sync === false && isChecked) await context.send(rights, 0);
  if (sync !== false)
    await context.send(
      { kind: 'sync-inventory', connectionKey, ...(isChecked ? { thenRights: true } : {}) },
      0,
    );
  return ACK;
}

/**
 * Accepts a credential whose account the cloud does not tell. The cloud denied a call and accepts the credential, so the
 * connection stays usable. A new credential of a rotation has to prove its account.
 *
 * @throws any other error
 */
function acceptDenial(error: unknown, rotation: number | undefined): Fit {
  if (!(error instanceof DriverError) || error.code !== 'Forbidden' || rotation !== undefined) throw error;
  return { condition: {}, warning: { code: error.code, message: error.message } };
}

/**
 * Refuses an account that another live deployment with the same id uses. Each of the two deployments would
 * remove the machines of the other.
 *
 * @throws DriverError if the marks of the deployments cannot be read or written, and the account is new to
 *   the connection; or if a call gets no permit
 */
async function judgeWriter(
  context: WorkerContext,
  connection: Connection,
  client: CloudClient,
  verdict: AccountVerdict,
): Promise<AccountVerdict> {
  if (!('condition' in verdict)) return verdict;
  const isNew = connection.verifiedAt === undefined || verdict.isChange === true;
  const mark = await claimMark(context, client).catch((error: unknown) => {
    if (!(error instanceof DriverError) || isNew || error.code === 'NoPermit') throw error;
    // The next sweep tries to write the mark again.
    context.log.warn('the mark of this deployment could not be written at the account', { code: error.code });
    return 'none' as const;
  });
  if (mark === 'none') return verdict;
  // If both deployments already have a mark at the account, the credential is accepted. Sweeps then remove no
  // machines until an operator decides.
  if (!mark.alone && !mark.isOurs) return { refused: idInUse(await context.deploymentId(), mark.other) };
  return mark.alone && mark.warning ? { ...verdict, warning: mark.warning } : verdict;
}

function accountSettlesInMs({ store }: WorkerContext, { accountChangedAt }: Connection): number {
  if (accountChangedAt === undefined) return 0;
  return Date.parse(accountChangedAt) + ACCOUNT_SETTLES_MS - store.clock.now();
}

/**
 * Returns the time that a new connection has to wait before it becomes Ready, in ms. Workers cache clients by
 * the connection's name. A recently deleted connection of the same name may have had another account or
 * endpoint. The cached client of the deleted connection then has to expire first.
 */
async function nameSettlesInMs(
  { store }: WorkerContext,
  { namespace, name, cloud, endpoint, verifiedAt }: Connection,
  rotation: number | undefined,
  verdict: Extract<AccountVerdict, Fit | { refused: Failure }>,
): Promise<number> {
  if (rotation !== undefined || verifiedAt !== undefined || 'refused' in verdict) return 0;
  const account = verdict.account?.account;
  const earlier = (await listAbandonedSecrets(store)).filter(
    (one) => one.namespace === namespace && one.name === name && one.verifiedAt !== undefined,
  );
  const others = earlier.filter(
    (one) =>
      one.cloud !== cloud || one.endpoint !== endpoint || account === undefined || one.account !== account,
  );
  const lastMs = Math.max(0, ...others.map(({ sinceMs }) => sinceMs));
  return lastMs + ACCOUNT_SETTLES_MS - store.clock.now();
}

/**
 * Writes the result of a successful verification. @returns false if the connection has changed and the
 * verification has to be repeated
 */
async function writeVerified(
  { store }: WorkerContext,
  connection: Connection,
  rotation: number | undefined,
  { account, isChange, warning, limits, condition }: Fit,
): Promise<boolean> {
  const { id, status } = connection;
  const verifiedAt = new Date(store.clock.now()).toISOString();
  const isUnnamed = account !== undefined && account.accountName === undefined;
  const update = (
    ready: { status?: 'Ready' },
    statusNot?: 'Disabled',
    remove: ('failure' | 'failedAt')[] = [],
  ) =>
    updateConnection(
      store,
      connection,
      {
        ...ready,
        ...account,
        ...(warning && { warning }),
        ...(limits && { reportedLimits: limits }),
        ...(isChange ? { accountChangedAt: verifiedAt } : {}),
        verifiedAt,
        ...(rotation === undefined ? {} : { credentialVersion: rotation }),
      },
      {
        ...condition,
        id,
        ...(rotation === undefined ? {} : { rotationVersion: rotation }),
        ...(statusNot && { statusNot }),
        remove: [
          ...remove,
          ...(rotation === undefined ? [] : ['rotation' as const]),
          ...(isUnnamed ? ['accountName' as const] : []),
          ...(warning ? [] : ['warning' as const]),
          ...(limits ? [] : ['reportedLimits' as const]),
        ],
      },
    );
  if (status !== 'Disabled' && !isChange && (await update({ status: 'Ready' }, 'Disabled'))) return true;
  // The status must not become Ready: the connection is disabled, or was disabled in the meantime, or its
  // account changes. Write the result without a status.
  if (await update({}, undefined, isChange ? [] : ['failure', 'failedAt'])) return true;
  const now = await readConnectionOf(store, connection);
  const isSuperseded = rotation !== undefined && now?.rotation?.version !== rotation;
  return now?.id !== id || isSuperseded;
}

async function writeRefusal(
  { store, log }: WorkerContext,
  connection: Connection,
  rotation: number | undefined,
  { code, message }: Failure,
): Promise<void> {
  const { namespace, name, id, status, credentialVersion, rotation: wanted } = connection;
  const failure = { code, message };
  if (rotation !== undefined && wanted) {
    const failed = { ...wanted, status: 'Failed', failure } as const;
    await updateConnection(store, connection, { rotation: failed }, { id, rotationVersion: rotation });
    return;
  }
  const isUnreachable = code === 'Unavailable' || code === 'OutcomeUnknown';
  if (isUnreachable && status === 'Ready') {
    log.warn('a connection could not be verified', { namespace, connection: name, ...failure });
    return;
  }
  const isInForce = { id, statusNot: 'Disabled', credentialVersion } as const;
  const failed = await updateConnection(store, connection, { status: 'Failed', failure }, isInForce);
  if (failed) await recordFailed(store, failed, code);
}
