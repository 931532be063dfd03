import type { FleetRequest } from '../../model/fleet-request.ts';
import type { Warning } from '../../model/warning.ts';
import type { RequestError } from './check-words.ts';
import { type AcceptStores, nameErrors, resolveRequest } from './resolve-request.ts';

/**
 * Checks a request as `acceptFleet` does, and writes nothing. A later request may be refused nevertheless, because the
 * catalogue, the connections and the names of fleets may have changed by then.
 */
export async function validateFleet(
  store: AcceptStores,
  namespace: string,
  request: FleetRequest,
): Promise<{ errors: RequestError[]; warnings: Warning[] }> {
  const resolved = await resolveRequest(store, namespace, request);
  // Other errors come together with those about the name.
  if ('errors' in resolved) return { errors: resolved.errors, warnings: [] };
  return { errors: await nameErrors(store, namespace, request.name), warnings: resolved.warnings };
}
