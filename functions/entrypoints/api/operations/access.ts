import document from '../../../../docs/openapi.json' with { type: 'json' };
import { deleteNamespace } from '../../../features/namespaces/delete-namespace.ts';
import { ALL_NAMESPACES, includesRights } from '../../../model/access.ts';
import { grantApiKey } from '../../../model/api-key-grant.ts';
import type { Caller } from '../../../model/caller.ts';
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
import { invalidRequest, notFound, Problem, unauthorized, unknownNamespaces } from '../problem.ts';
import { requireNamespace } from '../require-namespace.ts';
import { auditOperations } from './audit.ts';
import { bindingOperations } from './bindings.ts';

const DAY_MS = 86_400_000;
/** Maximum life of an API key that a user makes. The groups of the user are those of the time when the user made the key. */
const USER_KEY_DAYS = 90;

/** @param issuer the deployment's issuer of tokens; undefined: it has none */
export function accessOperations(
  store: Store<'access' | 'audit' | 'fleets'>,
  issuer?: string,
): OperationsOf<'access'> {
  return {
    ...bindingOperations(store, issuer),
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
      const nowMs = store.clock.now();
      const grant = grantApiKey(body, { ...caller, expiresAt: latestExpiry(caller, nowMs) }, nowMs);
      if ('errors' in grant) throw invalidRequest(grant.errors);
      const outcome = await issueApiKey(store, grant, caller.key, caller.user);
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

/**
 * Returns when a key that the caller makes expires at the latest; undefined: never. A token is short-lived by design, so that its
 * expiry does not limit the keys of its user.
 */
function latestExpiry({ key, user, expiresAt }: Caller, nowMs: number): string | undefined {
  if (user === undefined || key !== undefined) return expiresAt;
  return new Date(nowMs + USER_KEY_DAYS * DAY_MS).toISOString();
}

function refusalOf(outcome: Exclude<IssueOutcome, { made: unknown }>): Problem {
  switch (outcome.refused) {
    case 'unknown-namespaces':
      return unknownNamespaces(outcome.at);
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
