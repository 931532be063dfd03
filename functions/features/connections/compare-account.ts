import type { VerifiedCredential } from '../../drivers/contract/driver.ts';
import type { Connection } from '../../model/connection.ts';
import type { Failure } from '../../model/failure.ts';

/**
 * The relation of a credential's account to that of the connection.
 * `same`: nothing to write.
 * `first`: the connection has none yet.
 * `another`: they differ. The connection must have nothing left in its present account.
 * `unproven`: the cloud does not tell the account of a new credential. The credential has to show the machines that
 * live.
 */
export type AccountComparison = 'same' | 'first' | 'another' | 'unproven';

/** Compares accounts. Pure. @param isNew whether the credential is not the one in force */
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

/** Things of a connection at one location that a new credential does not show. */
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
    message: `the cloud does not tell the account of the new credential, and with it the cloud does not show ${missing} of the ${what} that connection ${name} has at ${location}: use a credential of the same account, or delete the fleets there first`,
  };
}
