import { DeleteCommand, type PutCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { cloudSchema } from '../../model/cloud.ts';
import { driverNameSchema } from '../../model/connection.ts';
import { nameSchema } from '../../model/identifiers.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/**
 * Partition of the secrets whose connection's record was removed. A late request may store such a secret afterwards, or
 * may have stored it and then died. Each of these secrets is therefore removed once more when every such request must
 * have ended.
 */
const PARTITION = 'ABANDONED-SECRETS';

const schema = z.object({
  driver: driverNameSchema,
  namespace: nameSchema,
  name: nameSchema,
  /** Id of the connection. */
  id: z.string(),
  /** The cloud, which cached clients of the connection may still call. */
  cloud: cloudSchema,
  endpoint: z.string().optional(),
  account: z.string().optional(),
  /** Absent: the credential never worked. */
  verifiedAt: z.string().optional(),
  sinceMs: z.number(),
});
export type AbandonedSecret = z.infer<typeof schema>;

/**
 * Returns the write that records an abandoned secret. It belongs to the transaction that removes the connection's
 * record.
 */
export function abandonedSecret(
  store: Store<'access'>,
  { driver, namespace, name, id, cloud, endpoint, account, verifiedAt }: Omit<AbandonedSecret, 'sinceMs'>,
): ConstructorParameters<typeof PutCommand>[0] {
  const secret: AbandonedSecret = {
    ...{ driver, namespace, name, id, cloud },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(account === undefined ? {} : { account }),
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
    sinceMs: store.clock.now(),
  };
  return { TableName: store.tables.access, Item: { pk: PARTITION, sk: id, ...secret } };
}

/** Lists all abandoned secrets: one for each connection deleted in the last quarter of an hour. */
export async function listAbandonedSecrets(store: Store<'access'>): Promise<AbandonedSecret[]> {
  return await queryAll(store, store.tables.access, { pk: PARTITION, prefix: '' }, (item) =>
    schema.parse(item),
  );
}

export async function forgetAbandonedSecret(
  store: Store<'access'>,
  { id }: Pick<AbandonedSecret, 'id'>,
): Promise<void> {
  await store.document.send(
    new DeleteCommand({ TableName: store.tables.access, Key: { pk: PARTITION, sk: id } }),
  );
}
