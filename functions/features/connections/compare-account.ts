import type { VerifiedCredential } from '../../drivers/contract/driver.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';

/**
 * Result of comparing a credential's account with the connection's account.
 *
 * - `same`: the accounts are equal, or the cloud reports no account for the credential in force. Nothing has
 *   to be written.
 * - `first`: the connection's record has no account yet.
 * - `another`: the accounts differ. The credential is accepted only if the connection has nothing left in its
 *   current account.
 * - `unproven`: the credential is new, and at least one of the two accounts is unknown. The credential is
 *   accepted only if the cloud lists the connection's machines and networks for this credential.
 */
export type AccountComparison = 'same' | 'first' | 'another' | 'unproven';

/** Compares accounts. Pure. @param isNew true if the credential is not in force yet */
export function compareAccount(
  { account, verifiedAt }: Pick<Connection, 'account' | 'verifiedAt'>,
  told: VerifiedCredential,
  isNew: boolean,
): AccountComparison {
  if (told.account === undefined) return isNew ? 'unproven' : 'same';
  if (account !== undefined) return account === told.account ? 'same' : 'another';
  return isNew && verifiedAt !== undefined ? 'unproven' : 'first';
}

export function anotherAccount(
  { name, account, accountName = account }: Pick<Connection, 'name' | 'account' | 'accountName'>,
  { account: other, accountName: otherName = other }: VerifiedCredential,
): Failure {
  return {
    code: 'AnotherAccount',
    message: `the credential belongs to account ${otherName}, but connection ${name} has fleets in account ${accountName}: use a credential of ${accountName}, delete these fleets first, or create a separate connection for ${otherName}`,
  };
}

/**
 * Machines or networks of a connection, at one location, that the cloud does not list for a new credential.
 * `missing` is their number.
 */
export interface Hidden {
  what: 'machines' | 'networks';
  location: string;
  missing: number;
}

export function accountNotProven(
  { name }: Pick<Connection, 'name'>,
  { what, location, missing }: Hidden,
): Failure {
  return {
    code: 'AccountNotProven',
    message: `the account of the new credential is unknown, and with this credential the cloud does not show ${missing} of the ${what} that connection ${name} has at ${location}: use a credential of the same account, or delete the fleets there first`,
  };
}
