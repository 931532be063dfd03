import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import {
  ALL_NAMESPACES,
  ALL_RIGHTS,
  type ApiKey,
  apiKeySchema,
  grantedNamespacesSchema,
  roleSchema,
} from '../../model/access.ts';
import type { ApiKeyGrant } from '../../model/api-key-grant.ts';
import { subjectSchema } from '../../model/binding.ts';
import type { KeyCaps, KeyUser, ParentKey } from '../../model/caller.ts';
import { MAX_BATCH_READ, readConsistently } from './batch-read.ts';
import type { Key } from './keys.ts';
import { type Page, type PageRequest, queryPage } from './listing.ts';
import { namespaceStands } from './namespaces.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

const PARTITION = 'API-KEYS';
const KEY_PATTERN = /^fw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

/** Maximum number of ancestors of a key. Each request reads all of them, and their caps share its transactions. */
export const MAX_ANCESTORS = 4;

const keyOf = (id: string): Key => ({ pk: PARTITION, sk: id });

/**
 * Only the secret's hash is stored. A plain SHA-256 suffices, because a secret of 256 random bits cannot be guessed.
 *
 * Earlier versions stored no role. Their keys may do everything, as before.
 */
const itemSchema = apiKeySchema.extend({
  role: roleSchema.default(ALL_RIGHTS.role),
  namespaces: grantedNamespacesSchema.default(ALL_RIGHTS.namespaces),
  ancestors: z.array(z.string()).default([]),
  subjects: z.array(subjectSchema).default([]),
  secretHash: z.string(),
});
type Item = z.infer<typeof itemSchema>;

/** A key's record, the keys that it ends with, the caps of all of them, and the user that limits what it may do. */
export type KeyRecord = ApiKey & ParentKey & { allCaps: KeyCaps[]; user: KeyUser | undefined };

export type IssueOutcome =
  | { made: ApiKey & { key: string } }
  | { refused: 'parent-ended' | 'too-many-ancestors' }
  /** `at`: the indexes of the namespaces that do not exist, or that are being deleted. */
  | { refused: 'unknown-namespaces'; at: number[] };

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/**
 * Makes an API key: `fw_<id>_<secret>`. The transaction checks that the key's namespaces exist, and that its parent is not
 * revoked. A parent cannot expire before its child: the caller has checked that, and the expiry of a key never changes.
 *
 * @param parent the key that makes the key; absent: none, so that the key ends only by itself
 * @param user the user that makes the key, or that made its parent; absent: none
 * @returns the record of the key, and the key itself, which cannot be read later; or why no key was made
 */
export async function issueApiKey(
  store: Store<'access'>,
  grant: ApiKeyGrant,
  parent?: ParentKey,
  user?: KeyUser,
): Promise<IssueOutcome> {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const record: ApiKey = {
    id,
    ...grant,
    ...(parent === undefined ? {} : { parentId: parent.id }),
    ...(user === undefined ? {} : { madeBy: user.actor }),
    createdAt: new Date(store.clock.now()).toISOString(),
  };
  const ancestors = parent === undefined ? [] : [...parent.ancestors, parent.id];
  if (ancestors.length > MAX_ANCESTORS) return { refused: 'too-many-ancestors' };
  const named = grant.namespaces.filter((name) => name !== ALL_NAMESPACES);
  // The SDK sends a transaction with an idempotency token. If an answer is lost, the SDK's retry therefore succeeds.
  // Without the token, DynamoDB would refuse the retry, because the first request has written the item.
  const refusals = await transactWrite(store, [
    ...named.map((name) => namespaceStands(store, name)),
    {
      Put: {
        TableName: store.tables.access,
        Item: {
          ...keyOf(id),
          ...record,
          ancestors,
          subjects: user?.subjects ?? [],
          secretHash: hashOf(secret),
        },
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    },
    ...(parent === undefined ? [] : [isNotRevoked(store, parent.id)]),
  ]);
  const unknown = refusals.map(({ at }) => at).filter((at) => at < named.length);
  if (unknown.length > 0) return { refused: 'unknown-namespaces', at: unknown };
  if (refusals.some(({ at }) => at > named.length)) return { refused: 'parent-ended' };
  if (refusals.length > 0) throw new Error(`API key ${id} exists already`);
  return { made: { ...record, key: `fw_${id}_${secret}` } };
}

/**
 * Makes an API key that may do everything and has no parent. The caller needs rights to the access table.
 *
 * @param expiresAt ISO 8601; absent: never
 */
export async function issueRootKey(
  store: Store<'access'>,
  { name, expiresAt }: { name: string; expiresAt?: string },
): Promise<ApiKey & { key: string }> {
  const outcome = await issueApiKey(store, {
    name,
    ...ALL_RIGHTS,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  if ('made' in outcome) return outcome.made;
  throw new Error(`a key without a parent was refused: ${outcome.refused}`);
}

function isNotRevoked(store: Store<'access'>, id: string): TransactItem {
  return {
    ConditionCheck: {
      TableName: store.tables.access,
      Key: keyOf(id),
      ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(revokedAt)',
    },
  };
}

/**
 * Returns a key's record; undefined if the key is malformed, unknown, expired or revoked, or if that is true of one of its
 * ancestors. The records are read at each request, so that a revoked key is refused immediately.
 */
export async function verifyApiKey(store: Store<'access'>, key: string): Promise<KeyRecord | undefined> {
  const [, id, secret] = KEY_PATTERN.exec(key) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const item = await readItem(store, id);
  if (!item) return undefined;
  const nowMs = store.clock.now();
  if (!isSecretOf(item, secret) || !isLive(item, nowMs)) return undefined;
  const found = await readConsistently(store, store.tables.access, item.ancestors.map(keyOf));
  const live = found.map((one) => itemSchema.parse(one)).filter((one) => isLive(one, nowMs));
  if (live.length < item.ancestors.length) return undefined;
  const allCaps = [item, ...live].flatMap((one) => (one.caps ? [{ keyId: one.id, ...one.caps }] : []));
  const user = item.madeBy && { actor: item.madeBy, subjects: item.subjects };
  return { ...apiKeySchema.parse(item), ancestors: item.ancestors, allCaps, user };
}

/**
 * Returns which key a refused text names, and what is wrong: the key, or one of its ancestors, has ended; or the text has not
 * the secret of the key. Undefined: it names no key that exists.
 */
export async function examineApiKey(
  store: Store<'access'>,
  key: string,
): Promise<{ id: string; because: 'ended' | 'wrong-secret' } | undefined> {
  const [, id, secret] = KEY_PATTERN.exec(key) ?? [];
  const item = id === undefined ? undefined : await readItem(store, id);
  if (!item || secret === undefined) return undefined;
  return { id: item.id, because: isSecretOf(item, secret) ? 'ended' : 'wrong-secret' };
}

const isSecretOf = ({ secretHash }: Item, secret: string): boolean =>
  timingSafeEqual(Buffer.from(secretHash, 'hex'), Buffer.from(hashOf(secret), 'hex'));

function isLive({ expiresAt, revokedAt }: Item, nowMs: number): boolean {
  return revokedAt === undefined && (expiresAt === undefined || Date.parse(expiresAt) > nowMs);
}

async function readItem(store: Store<'access'>, id: string): Promise<Item | undefined> {
  const { Item: item } = await store.document.send(
    new GetCommand({ TableName: store.tables.access, Key: keyOf(id), ConsistentRead: true }),
  );
  return item === undefined ? undefined : itemSchema.parse(item);
}

/** Returns the record of a key, which may have ended; undefined if there is no such key. */
export async function readApiKey(store: Store<'access'>, id: string): Promise<ApiKey | undefined> {
  const item = await readItem(store, id);
  return item && apiKeySchema.parse(item);
}

/** Lists keys in the order of their ids. A key that has ended with an ancestor has the ancestor's id as `endedBy`. */
export async function listApiKeys(store: Store<'access'>, page: PageRequest): Promise<Page<ApiKey>> {
  const range = { pk: PARTITION, prefix: '' };
  const { items, cursor } = await queryPage(store, store.tables.access, range, page, (item) =>
    itemSchema.parse(item),
  );
  const live = await liveAmong(store, [...new Set(items.flatMap(({ ancestors }) => ancestors))]);
  const shown = items.map((item) => {
    const endedBy = item.ancestors.find((id) => !live.has(id));
    return { ...apiKeySchema.parse(item), ...(endedBy === undefined ? {} : { endedBy }) };
  });
  return { items: shown, cursor };
}

/** Returns those of the keys that are neither revoked nor expired themselves. */
async function liveAmong(store: Store<'access'>, ids: readonly string[]): Promise<Set<string>> {
  const nowMs = store.clock.now();
  const live = new Set<string>();
  for (let from = 0; from < ids.length; from += MAX_BATCH_READ) {
    const keys = ids.slice(from, from + MAX_BATCH_READ).map(keyOf);
    for (const found of await readConsistently(store, store.tables.access, keys)) {
      const item = itemSchema.parse(found);
      if (isLive(item, nowMs)) live.add(item.id);
    }
  }
  return live;
}

/**
 * Revokes a key, and with it all keys that it is an ancestor of. The key stays in the list, with the time of its first
 * revocation. @returns false if there is no such key
 */
export async function revokeApiKey(store: Store<'access'>, id: string): Promise<boolean> {
  try {
    await store.document.send(
      new UpdateCommand({
        TableName: store.tables.access,
        Key: keyOf(id),
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
