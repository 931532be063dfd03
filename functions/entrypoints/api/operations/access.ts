import document from '../../../../docs/openapi.json' with { type: 'json' };
import { deleteNamespace } from '../../../features/namespaces/delete-namespace.ts';
import { ALL_NAMESPACES, includesRights } from '../../../model/access.ts';
import { grantApiKey } from '../../../model/api-key-grant.ts';
import {
  type IssueOutcome,
  issueApiKey,
  listApiKeys,
  MAX_ANCESTORS,
  readApiKey,
  revokeApiKey,
} from '../../../platform/store/api-keys.ts';
import { createNamespace, listNamedNamespaces, listNamespaces } from '../../../platform/store/namespaces.ts';
import type { Store } from '../../../platform/store/store.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { OperationsOf } from '../handle.ts';
import { invalidRequest, notFound, Problem, unauthorized } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';
import { auditOperations } from './audit.ts';

export function accessOperations(store: Store<'access' | 'audit' | 'fleets'>): OperationsOf<'access'> {
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
    async listNamespaces({ query: { limit, cursor }, caller: { namespaces } }) {
      const request = { limit, cursor: decodeCursor(cursor) };
      // A page of all namespaces, filtered, would have a cursor that names a namespace of others.
      const page = namespaces.includes(ALL_NAMESPACES)
        ? await listNamespaces(store, request)
        : await listNamedNamespaces(store, namespaces, request);
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
    async createApiKey({ body, caller }) {
      const grant = grantApiKey(body, caller, store.clock.now());
      if ('errors' in grant) throw invalidRequest(grant.errors);
      const outcome = await issueApiKey(store, grant, caller.key);
      if ('made' in outcome) return { body: outcome.made };
      throw refusalOf(outcome);
    },
    async listApiKeys({ query: { limit, cursor }, caller }) {
      const page = await listApiKeys(store, { limit, cursor: decodeCursor(cursor) });
      const items = page.items.filter((one) => includesRights(caller, one));
      return { body: { items, cursor: encodeCursor(page.cursor) } };
    },
    async revokeApiKey({ params: { id }, caller }) {
      // The rights of a key never change, so that a check before the write cannot be out of date.
      const record = await readApiKey(store, id);
      const isVisible = record !== undefined && includesRights(caller, record);
      if (!isVisible || !(await revokeApiKey(store, id))) throw notFound(`API key ${id}`);
      return { body: undefined };
    },
    ...auditOperations(store),
    getOpenApi: () => Promise.resolve({ body: document }),
  };
}

function refusalOf(outcome: Exclude<IssueOutcome, { made: unknown }>): Problem {
  switch (outcome.refused) {
    case 'unknown-namespaces':
      return invalidRequest(
        outcome.at.map((at) => ({
          pointer: `/namespaces/${at}`,
          code: 'unknown-namespace',
          message: 'does not exist, or is being deleted',
        })),
      );
    case 'too-many-ancestors': {
      const message = `has ${MAX_ANCESTORS} ancestors already, the most that a key may have: use an earlier key`;
      return invalidRequest([
        { pointer: '', code: 'too-many-ancestors', message: `the key of the caller ${message}` },
      ]);
    }
    case 'parent-ended':
      return unauthorized();
  }
}
