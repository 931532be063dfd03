import pLimit from 'p-limit';
import { layOut } from '../placement/lay-out.ts';
import { readSpec } from '../store/fleets.ts';
import { closePlacement } from '../store/placements.ts';
import type { TerminationPlan } from '../workflow/messages.ts';
import { type PlanDeps, planOf } from './plan.ts';

const CONCURRENT_WRITES = 20;

/** The state BeginTermination: closes every gate, those that planning has not opened yet, too. */
export async function beginTermination(
  deps: Pick<PlanDeps, 'store' | 'queueUrls'>,
  fleetId: string,
): Promise<TerminationPlan> {
  const spec = await readSpec(deps.store, fleetId);
  const placements = layOut(spec);
  const limit = pLimit(CONCURRENT_WRITES);
  await Promise.all(placements.map((one) => limit(() => closePlacement(deps.store, fleetId, one))));
  const plan = await planOf(deps, spec, placements);
  return {
    fleetId,
    clouds: plan.clouds.map((cloud) => ({
      ...cloud,
      places: cloud.places.map(({ connectionKey, location, queueUrl }) => ({
        connectionKey,
        location,
        queueUrl,
      })),
    })),
  };
}
