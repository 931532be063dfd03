import { MAX_QUOTA_LOCATIONS, type QuotaReading } from '../../../model/quota.ts';
import { listQuotas } from '../../../platform/store/quota-readings.ts';
import type { Store } from '../../../platform/store/store.ts';

/** Returns the part of a connection's limits that its cloud told, for at most MAX_QUOTA_LOCATIONS locations. */
export async function viewQuotas(
  store: Store<'catalogue'>,
  connectionKey: string,
): Promise<{ quotas: QuotaReading[]; quotaLocationsLeftOut: number }> {
  const known = await listQuotas(store, connectionKey);
  const quotas = known.slice(0, MAX_QUOTA_LOCATIONS);
  return { quotas, quotaLocationsLeftOut: known.length - quotas.length };
}
