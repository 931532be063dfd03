import { createHash, randomBytes } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { ALL_NAMESPACES, type Rights } from '../../model/access.ts';
import type { Actor } from '../../model/actor.ts';
import { type Binding, bindingSchema, type Subject } from '../../model/binding.ts';
import { MAX_BATCH_READ, readConsistently } from './batch-read.ts';
import type { Key } from './keys.ts';
import { type Page, type PageRequest, queryPage } from './listing.ts';
import { namespaceStands } from './namespaces.ts';
import type { Store } from './store.ts';
import { type TransactItem, transactWrite } from './transact.ts';

const PARTITION = 'BINDINGS';
/** Maximum number of bindings of one subject. They are in one item, so that a request reads one item for each subject. */
export const MAX_BINDINGS = 20;
const TRIES = 8;

const itemSchema = z.object({ version: z.int(), bindings: z.array(bindingSchema) });
type Item = z.infer<typeof itemSchema>;

/** Returns the id of a subject. A hash, because names of subjects may have any characters. */
function subjectId({ kind, name, issuer = '' }: Subject): string {
  return createHash('sha256')
    .update(JSON.stringify([kind, issuer, name]))
    .digest('hex')
    .slice(0, 24);
}

const keyOf = (subject: string): Key => ({ pk: PARTITION, sk: subject });
const subjectOf = (bindingId: string): string => bindingId.slice(0, 24);

export type BindOutcome =
  | { binding: Binding }
  | { refused: 'too-many' }
  /** `at`: the indexes of the namespaces that do not exist, or that are being deleted. */
  | { refused: 'unknown-namespaces'; at: number[] };

/**
 * Makes a binding, unless the subject has the same one already. The transaction checks that the namespaces exist.
 */
export async function createBinding(
  store: Store<'access'>,
  subject: Subject,
  { role, namespaces }: Rights,
  createdBy: Actor,
): Promise<BindOutcome> {
  const id = subjectId(subject);
  const named = namespaces.filter((name) => name !== ALL_NAMESPACES);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const item = await readItem(store, id);
    const bindings = item?.bindings ?? [];
    const same = bindings.find((one) => one.role === role && hasSame(one.namespaces, namespaces));
    if (same) return { binding: same };
    if (bindings.length >= MAX_BINDINGS) return { refused: 'too-many' };
    const binding: Binding = {
      id: `${id}-${randomBytes(4).toString('hex')}`,
      ...subject,
      role,
      namespaces,
      createdAt: new Date(store.clock.now()).toISOString(),
      createdBy,
    };
    const refusals = await transactWrite(store, [
      ...named.map((name) => namespaceStands(store, name)),
      put(store, id, item, [...bindings, binding]),
    ]);
    if (refusals.length === 0) return { binding };
    const unknown = refusals.map(({ at }) => at).filter((at) => at < named.length);
    if (unknown.length > 0) return { refused: 'unknown-namespaces', at: unknown };
  }
  throw contended(id);
}

/**
 * Deletes a binding.
 *
 * @param mayDelete decides for the binding as it is stored
 * @returns the binding; undefined if it does not exist, or may not be deleted
 */
export async function deleteBinding(
  store: Store<'access'>,
  bindingId: string,
  mayDelete: (binding: Binding) => boolean,
): Promise<Binding | undefined> {
  const id = subjectOf(bindingId);
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const item = await readItem(store, id);
    const binding = item?.bindings.find((one) => one.id === bindingId);
    if (!binding || !mayDelete(binding)) return undefined;
    const left = (item?.bindings ?? []).filter((one) => one !== binding);
    if ((await transactWrite(store, [put(store, id, item, left)])).length === 0) return binding;
  }
  throw contended(id);
}

export async function readBinding(store: Store<'access'>, bindingId: string): Promise<Binding | undefined> {
  return (await readItem(store, subjectOf(bindingId)))?.bindings.find(({ id }) => id === bindingId);
}

/** Lists bindings in the order of their subjects' ids. A page has all bindings of its subjects, so that it may be longer. */
export async function listBindings(store: Store<'access'>, page: PageRequest): Promise<Page<Binding>> {
  const range = { pk: PARTITION, prefix: '' };
  const { items, cursor } = await queryPage(store, store.tables.access, range, page, (item) =>
    itemSchema.parse(item),
  );
  return { items: items.flatMap(({ bindings }) => bindings), cursor };
}

/** Returns the rights that subjects have by their bindings. Reads them consistently, so that a deleted one is gone. */
export async function rightsOfSubjects(
  store: Store<'access'>,
  subjects: readonly Subject[],
): Promise<Rights[]> {
  const keys = [...new Set(subjects.map(subjectId))].map(keyOf);
  const rights: Rights[] = [];
  for (let from = 0; from < keys.length; from += MAX_BATCH_READ) {
    const found = await readConsistently(store, store.tables.access, keys.slice(from, from + MAX_BATCH_READ));
    for (const item of found)
      for (const { role, namespaces } of itemSchema.parse(item).bindings) rights.push({ role, namespaces });
  }
  return rights;
}

async function readItem(store: Store<'access'>, id: string): Promise<Item | undefined> {
  const { Item: item } = await store.document.send(
    new GetCommand({ TableName: store.tables.access, Key: keyOf(id), ConsistentRead: true }),
  );
  return item && itemSchema.parse(item);
}

/** Returns the write of a subject's bindings, under the condition that the item is still as it was read. */
function put(
  store: Store<'access'>,
  id: string,
  known: Item | undefined,
  bindings: readonly Binding[],
): TransactItem {
  return {
    Put: {
      TableName: store.tables.access,
      Item: { ...keyOf(id), version: (known?.version ?? 0) + 1, bindings },
      ...(known
        ? { ConditionExpression: 'version = :known', ExpressionAttributeValues: { ':known': known.version } }
        : { ConditionExpression: 'attribute_not_exists(pk)' }),
    },
  };
}

const hasSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((name) => other.includes(name));

const contended = (id: string): Error =>
  new Error(
    `the bindings of subject ${id} were not written: other requests changed them ${TRIES} times in a row`,
  );
