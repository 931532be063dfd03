import { connectionKey } from '../../model/identifiers.ts';
import type { Warning } from '../../model/warning.ts';
import { readQuotasAt } from '../../platform/store/quota-readings.ts';
import type { Store } from '../../platform/store/store.ts';
import { checkQuotas, type QuotaDemand } from './check-quotas.ts';
import type { RequestError } from './request-error.ts';

/**
 * Checks node groups against the quotas that syncs of the inventory read. Asks no cloud: a request is answered quickly,
 * and needs no permit.
 */
export async function findQuotaShortfalls(
  store: Store<'catalogue'>,
  demands: readonly QuotaDemand[],
): Promise<{ errors: RequestError[]; warnings: Warning[] }> {
  const byConnection = Map.groupBy(demands, ({ connection }) => connection);
  const read = await Promise.all(
    [...byConnection].map(async ([connection, groups]) => {
      const locations = groups.flatMap((group) => group.locations);
      return [connection.name, await readQuotasAt(store, connectionKey(connection), locations)] as const;
    }),
  );
  return checkQuotas(demands, new Map(read), store.clock.now());
}
