import type { CloudClient, VerifiedCredential } from '../../drivers/contract/driver.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';
import { type UpdateCondition, updateConnection } from '../../platform/store/connections.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { accountNotProven, anotherAccount, compareAccount } from './compare-account.ts';
import { hasAnythingLive, showsWhatLives } from './what-lives.ts';

/** What a verification found out about the account: to be refused, to be asked again, or fit to be written. */
export type AccountVerdict = { refused: Failure } | { waitMs: number } | Fit;

export interface Fit {
  /** What is to be written of the account; absent: it is written already, or the cloud does not tell. */
  account?: { account: string; accountName?: string };
  /** It is another one than the connection had. */
  isChange?: true;
  /** What the operator should know, though the credential is accepted. */
  warning?: Failure;
  condition: UpdateCondition;
}

/**
 * Asks the cloud whose the credential is, and holds that against the connection's account.
 *
 * @param rotation version of a credential that is not in force; undefined: it is the one in force
 * @throws DriverError of the cloud's
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
  return { refused: accountNotProven(connection, shown.hidden.location, shown.hidden.missing) };
}

/**
 * Fences new fleets off before the last look at what lives: one that was accepted earlier is seen by it, and one that
 * would be accepted later is refused. The write that follows holds only while the fence stands.
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
    // What the connection's status was is for a verification of the credential in force to find out.
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
