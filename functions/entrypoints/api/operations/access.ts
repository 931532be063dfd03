import document from '../../../../docs/openapi.json' with { type: 'json' };
import { deleteNamespace } from '../../../features/namespaces/delete-namespace.ts';
import { issueApiKey, listApiKeys, revokeApiKey } from '../../../platform/store/api-keys.ts';
import { createNamespace, listNamespaces } from '../../../platform/store/namespaces.ts';
import type { Store } from '../../../platform/store/store.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { OperationsOf } from '../handle.ts';
import { notFound, Problem, refuse } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';

export function accessOperations(store: Store<'access' | 'fleets'>): OperationsOf<'access'> {
  return {
    async createNamespace({ body }) {
      const made = await createNamespace(store, body);
      if (!made) {
        throw new Problem('name-taken', `a namespace ${body.name} exists already: choose another name`, {
          errors: [{ pointer: '/name', code: 'duplicate', message: 'is the name of another namespace' }],
        });
      }
      return { body: made, headers: { location: `/v1/namespaces/${body.name}` } };
    },
    async listNamespaces({ query: { limit, cursor } }) {
      const page = await listNamespaces(store, { limit, cursor: decodeCursor(cursor) });
      return { body: { items: page.items, cursor: encodeCursor(page.cursor) } };
    },
    async getNamespace({ params: { namespace } }) {
      return { body: await requireNamespace(store, namespace) };
    },
    async deleteNamespace({ params: { namespace } }) {
      const outcome = await deleteNamespace(store, namespace);
      if (outcome === 'not-found') throw notFound(`namespace ${namespace}`);
      if (outcome === 'not-empty') {
        throw new Problem(
          'not-empty',
          `namespace ${namespace} still has connections or live fleets: delete these first`,
        );
      }
      return { body: undefined };
    },
    async createApiKey({ body }) {
      if (body.expiresAt !== undefined && Date.parse(body.expiresAt) <= store.clock.now()) {
        refuse([{ pointer: '/expiresAt', code: 'in-the-past', message: 'must be in the future' }]);
      }
      return { body: await issueApiKey(store, body) };
    },
    async listApiKeys({ query: { limit, cursor } }) {
      const page = await listApiKeys(store, { limit, cursor: decodeCursor(cursor) });
      return { body: { items: page.items, cursor: encodeCursor(page.cursor) } };
    },
    async revokeApiKey({ params: { id } }) {
      if (!(await revokeApiKey(store, id))) throw notFound(`API key ${id}`);
      return { body: undefined };
    },
    getOpenApi: () => Promise.resolve({ body: document }),
  };
}
