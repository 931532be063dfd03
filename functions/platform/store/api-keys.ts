import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { type ApiKey, type ApiKeyRequest, apiKeySchema } from '../../model/access.ts';
import { type Page, type PageRequest, queryPage } from './listing.ts';
import type { Store } from './store.ts';
import { transactWrite } from './transact.ts';

const PARTITION = 'API-KEYS';
const KEY_PATTERN = /^fw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

/**
 * Only the secret's hash is stored. A plain SHA-256 suffices, because a secret of 256 random bits cannot be guessed.
 */
const itemSchema = apiKeySchema.extend({ secretHash: z.string() });

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/**
 * Makes an API key: `fw_<id>_<secret>`.
 *
 * @returns the record of the key, and the key itself, which cannot be read later
 */
export async function issueApiKey(
  store: Store<'access'>,
  { name, expiresAt }: ApiKeyRequest,
): Promise<ApiKey & { key: string }> {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const record: ApiKey = {
    id,
    name,
    createdAt: new Date(store.clock.now()).toISOString(),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  // The SDK sends a transaction with an idempotency token. If an answer is lost, the SDK's retry therefore succeeds.
  // Without the token, DynamoDB would refuse the retry, because the first request has written the item.
  const refusals = await transactWrite(store, [
    {
      Put: {
        TableName: store.tables.access,
        Item: { pk: PARTITION, sk: id, ...record, secretHash: hashOf(secret) },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    },
  ]);
  if (refusals.length > 0) throw new Error(`API key ${id} exists already`);
  return { ...record, key: `fw_${id}_${secret}` };
}

/**
 * Returns a key's record; undefined if the key is malformed, unknown, expired or revoked. The record is read at each
 * request, so that a revoked key is refused immediately.
 */
export async function verifyApiKey(store: Store<'access'>, key: string): Promise<ApiKey | undefined> {
  const [, id, secret] = KEY_PATTERN.exec(key) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const { Item } = await store.document.send(
    new GetCommand({ TableName: store.tables.access, Key: { pk: PARTITION, sk: id }, ConsistentRead: true }),
  );
  const record = itemSchema.safeParse(Item).data;
  if (!record) return undefined;
  const same = timingSafeEqual(Buffer.from(record.secretHash, 'hex'), Buffer.from(hashOf(secret), 'hex'));
  const expired = record.expiresAt !== undefined && Date.parse(record.expiresAt) <= store.clock.now();
  return same && !expired && record.revokedAt === undefined ? apiKeySchema.parse(record) : undefined;
}

export async function listApiKeys(store: Store<'access'>, page: PageRequest): Promise<Page<ApiKey>> {
  return await queryPage(store, store.tables.access, { pk: PARTITION, prefix: '' }, page, (item) =>
    apiKeySchema.parse(item),
  );
}

/**
 * Revokes a key. The key stays in the list, with the time of its first revocation. @returns false if there is no such
 * key
 */
export async function revokeApiKey(store: Store<'access'>, id: string): Promise<boolean> {
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.access,
        Key: { pk: PARTITION, sk: id },
        UpdateExpression: 'SET revokedAt = if_not_exists(revokedAt, :now)',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':now': new Date(store.clock.now()).toISOString() },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
