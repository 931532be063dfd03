import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import type { Demand } from '../../platform/governor/budget-state.ts';
import { hasBudget } from '../../platform/governor/budgets.ts';
import { recordUsage } from '../../platform/governor/take-budget.ts';
import { heaviestType, typesOf } from '../../platform/placement/choose-type.ts';
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
 * @param machines the cloud's machines by instance id. An instance whose machine is not among them counts with the
 *   largest of its node group's instance types
 */
export async function countForBudget(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  entries: readonly SiteEntry[],
  readAtMs: number,
  machines: ReadonlyMap<string, readonly CloudInstance[]> = new Map(),
): Promise<void> {
  if (!hasBudget(opened.limits)) return;
  const live = await Promise.all(
    entries.map(async ({ siteSk }): Promise<Demand[]> => {
      const ref = parseInstanceId(siteSk);
      const group = ref && groupAt((await context.layout(ref.fleetId)).placements, ref.index)?.group;
      if (!group) return [];
      const seen = machines.get(siteSk)?.map(({ instanceType }) => instanceType) ?? [];
      const type = typesOf(group).find(({ name }) => seen.includes(name));
      const { vcpus, gpus, memoryGb } = type ?? heaviestType(typesOf(group));
      return [{ instanceId: siteSk, vcpus, gpus, memoryGb }];
    }),
  );
  await recordUsage(context.store, governed(site, opened), site.location, live.flat(), readAtMs);
}
