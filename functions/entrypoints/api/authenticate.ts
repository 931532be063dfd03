import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { ApiKey } from '../../model/access.ts';
import { verifyApiKey } from '../../platform/store/api-keys.ts';
import type { Store } from '../../platform/store/store.ts';
import { Problem } from './problem.ts';

/**
 * Authenticates a request of any route by `Authorization: Bearer <API key>`. Every request passes this check,
 * and no other check admits a request.
 *
 * @throws Problem 401, the same for a missing, malformed, unknown, expired and revoked key
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
