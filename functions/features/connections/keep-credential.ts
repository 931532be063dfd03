import type { SSMClient } from '@aws-sdk/client-ssm';
import type { Connection, Credential } from '../../model/connection.ts';
import { deleteCredential, putCredential } from '../../platform/secrets/stored-credentials.ts';
import { createConnection, type NewConnection, readConnection } from '../../platform/store/connections.ts';
import type { Store } from '../../platform/store/store.ts';
import { type ConnectionUpdate, updateConnection } from '../../platform/store/update-connection.ts';

export interface CredentialDeps {
  store: Store<'access' | 'fleets'>;
  ssm: SSMClient;
  secretsPrefix: string;
}

/**
 * Time after the creation of a connection, in ms. If the secret is not stored by then, the request that
 * created the connection counts as dead, and another request may replace the record.
 */
const UNFINISHED_MS = 60_000;

/**
 * Writes the record of a new connection, then stores its secret, then writes the secret's version to the
 * record. Every secret therefore has a record that names it. If a request died before it stored the secret,
 * another request can replace the record after a minute.
 *
 * @returns the connection; undefined if the record could not be created (for example, because the name is
 *   taken), or if the connection was deleted in the meantime
 */
export async function registerConnection(
  deps: CredentialDeps,
  wanted: NewConnection,
  credential: Credential,
): Promise<Connection | undefined> {
  const { store } = deps;
  const made = (await createConnection(store, wanted)) ?? (await replaceUnfinished(store, wanted));
  if (!made) return undefined;
  return await keepCredential(deps, made, credential, (version) => ({ credentialVersion: version }));
}

async function replaceUnfinished(
  store: Store<'access' | 'fleets'>,
  wanted: NewConnection,
): Promise<Connection | undefined> {
  const known = await readConnection(store, wanted.namespace, wanted.name);
  return known && isUnfinished(known, store.clock.now() - UNFINISHED_MS)
    ? await createConnection(store, wanted, known)
    : undefined;
}

/** Returns true if a connection was created before `beforeMs` and its secret has not been stored. */
export function isUnfinished({ credentialVersion, createdAt }: Connection, beforeMs: number): boolean {
  return credentialVersion === undefined && Date.parse(createdAt) < beforeMs;
}

/**
 * Stores a secret of an existing connection, then writes the update that `follows` returns for the secret's
 * version. If the connection was deleted in the meantime, removes the secret again.
 *
 * @returns the connection; undefined if it was deleted in the meantime
 */
export async function keepCredential(
  { store, ssm, secretsPrefix }: CredentialDeps,
  connection: Connection,
  credential: Credential,
  follows: (version: number) => ConnectionUpdate,
): Promise<Connection | undefined> {
  const { id } = connection;
  const version = await putCredential(ssm, secretsPrefix, connection, credential);
  const kept = await updateConnection(store, connection, follows(version), {
    id,
    deletion: 'undecided',
  });
  if (!kept) await deleteCredential(ssm, secretsPrefix, connection);
  return kept;
}
