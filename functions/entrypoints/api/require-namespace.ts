import type { Namespace } from '../../model/access.ts';
import { readNamespace } from '../../platform/store/namespaces.ts';
import type { Store } from '../../platform/store/store.ts';
import { notFound } from './problem.ts';

/**
 * Reads a namespace. @throws Problem 404 if it does not exist, so that a mistyped name does not look like an
 * empty namespace
 */
export async function requireNamespace(store: Store<'access'>, name: string): Promise<Namespace> {
  const namespace = await readNamespace(store, name);
  if (!namespace) throw notFound(`namespace ${name}`);
  return namespace;
}
