import { includesRights } from '../../../model/access.ts';
import { grantApiKey } from '../../../model/api-key-grant.ts';
import { awsPrincipal, type BindingRequest, type Subject } from '../../../model/binding.ts';
import type { Caller } from '../../../model/caller.ts';
import type { FieldError } from '../../../model/field-error.ts';
import {
  createBinding,
  deleteBinding,
  listBindings,
  MAX_BINDINGS,
  readBinding,
} from '../../../platform/store/bindings.ts';
import type { Store } from '../../../platform/store/store.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { OperationsOf } from '../handle.ts';
import { invalidRequest, notFound, Problem, unknownNamespaces } from '../problem.ts';

/** @param issuer the deployment's issuer of tokens; undefined: it has none, and knows no users and groups */
export function bindingOperations(
  store: Store<'access'>,
  issuer: string | undefined,
): Pick<OperationsOf<'access'>, 'createBinding' | 'listBindings' | 'getBinding' | 'deleteBinding'> {
  return {
    async createBinding({ body, caller }) {
      requireLasting(caller);
      const subject = subjectOf(body, issuer);
      const grant = grantApiKey({ name: 'binding', ...rightsOf(body) }, caller, store.clock.now());
      if ('errors' in grant) throw invalidRequest(grant.errors);
      const { role, namespaces } = grant;
      const outcome = await createBinding(store, subject, { role, namespaces }, caller.actor);
      if ('binding' in outcome)
        return { body: outcome.binding, headers: { location: `/v1/bindings/${outcome.binding.id}` } };
      if ('at' in outcome) throw unknownNamespaces(outcome.at);
      throw wrong(
        '/name',
        'too-many',
        `has ${MAX_BINDINGS} bindings already: name several namespaces in one`,
      );
    },
    async listBindings({ query: { limit, cursor }, caller }) {
      const page = await listBindings(store, { limit, cursor: decodeCursor(cursor) });
      const items = page.items.filter((one) => includesRights(caller, one));
      return { body: { items, cursor: encodeCursor(page.cursor) } };
    },
    async getBinding({ params: { id }, caller }) {
      const binding = await readBinding(store, id);
      if (!binding || !includesRights(caller, binding)) throw notFound(`binding ${id}`);
      return { body: binding };
    },
    async deleteBinding({ params: { id }, caller }) {
      const deleted = await deleteBinding(store, id, (binding) => includesRights(caller, binding));
      if (!deleted) throw notFound(`binding ${id}`);
      return { body: undefined };
    },
  };
}

const rightsOf = ({ role, namespaces }: BindingRequest) => ({
  role,
  ...(namespaces === undefined ? {} : { namespaces }),
});

/** A binding lasts, and has no caps. A key that expires or has caps would escape these by making one. */
function requireLasting({ key, expiresAt, caps = [] }: Caller): void {
  if (key === undefined || (expiresAt === undefined && caps.length === 0)) return;
  throw new Problem(
    'forbidden',
    'an API key that expires or has caps cannot make bindings, which would outlive or exceed it: use a token, or a key without expiry and caps',
  );
}

function subjectOf({ kind, name }: BindingRequest, issuer: string | undefined): Subject {
  if (kind === 'aws') return { kind, name: awsPrincipal(name) };
  if (issuer !== undefined) return { kind, name, issuer };
  throw wrong(
    '/kind',
    'no-issuer',
    'must be aws: the deployment has no issuer of tokens; set its parameter OidcIssuer first',
  );
}

function wrong(pointer: string, code: string, message: string): Problem {
  return invalidRequest([{ pointer, code, message } satisfies FieldError]);
}
