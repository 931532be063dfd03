import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { ApiKey } from '../../model/access.ts';
import { verifyApiKey } from '../../platform/store/api-keys.ts';
import type { Store } from '../../platform/store/store.ts';
import { Problem } from './problem.ts';

/**
 * Authenticates a request by its header `Authorization: Bearer <API key>`. This is the only check of who
 * sends a request, for all routes.
 *
 * @throws Problem 401, with one text for missing, malformed, unknown, expired and revoked keys
 */
export async function authenticate(store: Store<'access'>, event: APIGatewayProxyEventV2): Promise<ApiKey> {
  const [, key] = /^Bearer (\S+)$/i.exec(event.headers['authorization'] ?? '') ?? [];
  const apiKey = key === undefined ? undefined : await verifyApiKey(store, key);
  if (apiKey) return apiKey;
  throw new Problem(
    'unauthorized',
    'the API key is missing or not valid: send it as Authorization: Bearer <key>',
    {
      headers: { 'www-authenticate': 'Bearer realm="fleetwright"' },
    },
  );
}
