import { parseInstanceId } from '../../model/identifiers.ts';
import type { Demand } from '../../platform/governor/budget-state.ts';
import { hasBudget } from '../../platform/governor/budgets.ts';
import { settleBudget } from '../../platform/governor/take-budget.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { PlaceEntry } from '../../platform/store/instances.ts';
import {
  governed,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';

/** Tells the connection's budgets, if it has any, what it has at a place. @param readAtMs before the entries were read */
export async function countForBudget(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  entries: readonly PlaceEntry[],
  readAtMs: number,
): Promise<void> {
  if (!hasBudget(opened.limits)) return;
  const live = await Promise.all(
    entries.map(async ({ placeSk }): Promise<Demand[]> => {
      const ref = parseInstanceId(placeSk);
      const group = ref && groupAt((await context.layout(ref.fleetId)).placements, ref.index)?.group;
      if (!group) return [];
      const { vcpus = 0, gpus = 0, memoryGb = 0 } = group;
      return [{ instanceId: placeSk, vcpus, gpus, memoryGb }];
    }),
  );
  await settleBudget(context.store, governed(place, opened), place.location, live.flat(), readAtMs);
}
