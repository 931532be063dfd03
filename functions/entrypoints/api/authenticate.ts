import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Caller } from '../../model/caller.ts';
import { verifyApiKey } from '../../platform/store/api-keys.ts';
import type { Store } from '../../platform/store/store.ts';
import { unauthorized } from './problem.ts';

/**
 * Authenticates a request by its header `Authorization: Bearer <API key>`. This is the only check of who
 * sends a request, for all routes.
 *
 * @throws Problem 401, with one text for missing, malformed, unknown, expired and revoked keys
 */
export async function authenticate(store: Store<'access'>, event: APIGatewayProxyEventV2): Promise<Caller> {
  const [, key] = /^Bearer (\S+)$/i.exec(event.headers['authorization'] ?? '') ?? [];
  const record = key === undefined ? undefined : await verifyApiKey(store, key);
  if (record) {
    const { id, role, namespaces, expiresAt, ancestors, allCaps: caps } = record;
    return { actor: { kind: 'key', name: id }, role, namespaces, expiresAt, caps, key: { id, ancestors } };
  }
  throw unauthorized();
}
