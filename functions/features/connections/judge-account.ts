import type { CloudClient, VerifiedCredential } from '../../drivers/contract/driver.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { connectionKey } from '../../model/identifiers.ts';
import type { ReportedLimits } from '../../model/limit-profile.ts';
import { type UpdateCondition, updateConnection } from '../../platform/store/update-connection.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { accountNotProven, anotherAccount, compareAccount } from './compare-account.ts';
import { hasAnythingLive, showsWhatLives } from './what-lives.ts';

/**
 * The result of checking a credential's account: refuse the credential, check again later, or accept the
 * credential.
 */
export type AccountVerdict = { refused: Failure } | { waitMs: number } | Fit;

export interface Fit {
  /**
   * The account to write. Absent: the connection already has this account, or the cloud does not report the
   * account.
   */
  account?: { account: string; accountName?: string };
  /** Present if the credential belongs to another account than the one in the connection's record. */
  isChange?: true;
  /** A warning for the operator about an accepted credential. */
  warning?: Failure;
  /** Limits that the cloud states for the account. Absent: it states none. */
  limits?: ReportedLimits;
  condition: UpdateCondition;
}

/**
 * Asks the cloud for the account of a credential, and compares that account with the account of the
 * connection.
 *
 * @param rotation version of the new credential of a rotation; undefined if the credential in force is
 *   checked
 * @throws DriverError if a call to the cloud fails
 */
export async function judgeAccount(
  context: WorkerContext,
  connection: Connection,
  rotation: number | undefined,
  client: CloudClient,
): Promise<AccountVerdict> {
  const told = await client.verifyCredential();
  const verdict = await judge(context, connection, rotation, client, told);
  return 'condition' in verdict && told.limits ? { ...verdict, limits: told.limits } : verdict;
}

async function judge(
  context: WorkerContext,
  connection: Connection,
  rotation: number | undefined,
  client: CloudClient,
  told: VerifiedCredential,
): Promise<AccountVerdict> {
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
 * Decides about a credential whose account differs from the connection's account. If nothing of the
 * connection is live, sets the connection's status to Verifying. This status is a fence: the connection
 * accepts no new fleets. A second check then sees every fleet that was accepted before the fence. The result
 * contains a condition for the caller's write of the account. With this condition, the write fails if the
 * connection accepts fleets again.
 */
async function judgeAnother(
  context: WorkerContext,
  connection: Connection,
  told: VerifiedCredential,
): Promise<AccountVerdict> {
  if (await hasAnythingLive(context, connection)) return { refused: anotherAccount(connection, told) };
  const isFenced = await updateConnection(
    context.store,
    connection,
    { status: 'Verifying' },
    { id: connection.id, statusNot: 'Disabled' },
  );
  if (await hasAnythingLive(context, connection)) {
    // The fence is no longer needed. This message starts a verification of the credential in force, which
    // sets the status again.
    if (isFenced)
      await context.send({ kind: 'verify', connectionKey: connectionKey(connection), sync: false }, 0);
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
