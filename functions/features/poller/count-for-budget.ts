import { parseInstanceId } from '../../model/identifiers.ts';
import type { Demand } from '../../platform/governor/budget-state.ts';
import { hasBudget } from '../../platform/governor/budgets.ts';
import { recordUsage } from '../../platform/governor/take-budget.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { SiteEntry } from '../../platform/store/instances.ts';
import {
  governed,
  type OpenConnection,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';

/**
 * Reports the instances of a site to the budgets of its connection. Does nothing if the connection has no
 * budgets.
 *
 * @param readAtMs a time at or before the beginning of the read of `entries`
 */
export async function countForBudget(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  entries: readonly SiteEntry[],
  readAtMs: number,
): Promise<void> {
  if (!hasBudget(opened.limits)) return;
  const live = await Promise.all(
    entries.map(async ({ siteSk }): Promise<Demand[]> => {
      const ref = parseInstanceId(siteSk);
      const group = ref && groupAt((await context.layout(ref.fleetId)).placements, ref.index)?.group;
      if (!group) return [];
      const { vcpus = 0, gpus = 0, memoryGb = 0 } = group;
      return [{ instanceId: siteSk, vcpus, gpus, memoryGb }];
    }),
  );
  await recordUsage(context.store, governed(site, opened), site.location, live.flat(), readAtMs);
}
