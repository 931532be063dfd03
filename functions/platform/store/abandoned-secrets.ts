import { DeleteCommand, type PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { cloudSchema } from '../../model/cloud.ts';
import { driverNameSchema } from '../../model/connection.ts';
import { nameSchema } from '../../model/identifiers.ts';
import { queryAll } from './listing.ts';
import type { Store } from './store.ts';

/**
 * Partition with an item for the secret of each removed or replaced connection record. A late request may store the
 * secret after the removal. The secret is therefore deleted a second time, when every such request must have ended.
 */
const PARTITION = 'ABANDONED-SECRETS';

const schema = z.object({
  driver: driverNameSchema,
  namespace: nameSchema,
  name: nameSchema,
  /** Id of the connection. */
  id: z.string(),
  /** Cloud of the connection. A cached client of the connection may still call it. */
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

/**
 * Lists all abandoned secrets with a strongly consistent read: a connection that was removed a moment ago counts. There
 * are few, because `finishChanges` removes each after about a quarter of an hour.
 */
export async function listAbandonedSecrets(store: Store<'access'>): Promise<AbandonedSecret[]> {
  return await queryAll(store, store.tables.access, { pk: PARTITION, prefix: '', consistent: true }, (item) =>
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
