import type { CloudClient, VerifiedCredential } from '../../drivers/contract/driver.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { type UpdateCondition, updateConnection } from '../../platform/store/connections.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { accountNotProven, anotherAccount, compareAccount } from './compare-account.ts';
import { hasAnythingLive, showsWhatLives } from './what-lives.ts';

/** The result of checking a credential's account: refuse the credential, ask again later, or accept it. */
export type AccountVerdict = { refused: Failure } | { waitMs: number } | Fit;

export interface Fit {
  /** The account to write. Absent: the account is already written, or the cloud does not tell it. */
  account?: { account: string; accountName?: string };
  /** Present if the account differs from the connection's. */
  isChange?: true;
  /** A warning for the operator about an accepted credential. */
  warning?: Failure;
  condition: UpdateCondition;
}

/**
 * Asks the cloud for the account of a credential, and compares that account with the account of the
 * connection.
 *
 * @param rotation version of a rotation's credential; undefined for the credential in force
 * @throws DriverError if a call to the cloud fails
 */
export async function judgeAccount(
  context: WorkerContext,
  connection: Connection,
  rotation: number | undefined,
  client: CloudClient,
): Promise<AccountVerdict> {
  const told = await client.verifyCredential();
  const comparison = compareAccount(connection, told, rotation !== undefined);
  if (comparison === 'same') return { condition: {} };
  if (comparison === 'first') return fitToWrite(connection, told);
  if (comparison === 'another') return await judgeAnother(context, connection, told);
  const shown = await showsWhatLives(context, connection, client);
  if ('waitMs' in shown) return shown;
  if (!shown.hidden) return fitToWrite(connection, told);
  return { refused: accountNotProven(connection, shown.hidden) };
}

/**
 * Decides about a credential of another account. Fences the connection first, by the status Verifying: the
 * connection then accepts no new fleets. After that, checks again whether the connection has anything live.
 * This check sees every fleet that was accepted before the fence. The write that follows succeeds only while
 * the fence exists.
 */
async function judgeAnother(
  context: WorkerContext,
  connection: Connection,
  told: VerifiedCredential,
): Promise<AccountVerdict> {
  const { namespace, name } = connection;
  if (await hasAnythingLive(context, connection)) return { refused: anotherAccount(connection, told) };
  const isFenced = await updateConnection(
    context.store,
    namespace,
    name,
    { status: 'Verifying' },
    { id: connection.id, statusNot: 'Disabled' },
  );
  if (await hasAnythingLive(context, connection)) {
    // A verification of the credential in force restores the connection's earlier status.
    if (isFenced)
      await context.send({ kind: 'verify', connectionKey: `${namespace}/${name}`, sync: false }, 0);
    return { refused: anotherAccount(connection, told) };
  }
  const { account, condition } = fitToWrite(connection, told);
  return {
    ...(account && { account }),
    isChange: true,
    condition: { ...condition, statusIs: isFenced ? 'Verifying' : 'Disabled' },
  };
}

function fitToWrite({ account: kept }: Connection, { account, accountName }: VerifiedCredential): Fit {
  if (account === undefined) return { condition: {} };
  return {
    account: { account, ...(accountName === undefined ? {} : { accountName }) },
    condition: { account: kept === undefined ? 'none' : { is: kept } },
  };
}
