import pLimit from 'p-limit';
import { layOut, samePlace } from '../../platform/placement/lay-out.ts';
import { parseFleetItem, readSpec } from '../../platform/store/fleets.ts';
import { readNetworks } from '../../platform/store/networks.ts';
import { closePlacement, type PlacementItem, readFleetPartition } from '../../platform/store/placements.ts';
import type { RemovalInput, TerminationPlan } from '../../platform/workflow/messages.ts';
import { type PlanDeps, planOf } from './plan.ts';
import { restGates } from './stop-when-decided.ts';

const CONCURRENT_WRITES = 20;

/**
 * The state BeginTermination: closes every gate, those that planning has not opened yet, too, and answers the places
 * that have something or may have. Where only what failed is to go, the gates rest, and an execution that is not the
 * fleet's present one any more has nothing to do.
 */
export async function beginTermination(
  deps: Pick<PlanDeps, 'store' | 'queueUrls'>,
  { fleetId, execution, scope }: RemovalInput,
): Promise<TerminationPlan> {
  const { store } = deps;
  const spec = await readSpec(store, fleetId);
  const layout = layOut(spec);
  const fleet = parseFleetItem((await readFleetPartition(store, fleetId)).meta);
  const current = fleet.work !== undefined && fleet.execution === execution;
  // Late: it was done, and what stands by now may be of a round that began after it.
  if (scope === 'failed' && !current) return { fleetId, scope, clouds: [] };
  const limit = pLimit(CONCURRENT_WRITES);
  if (scope === 'failed') await restGates(store, fleet, layout);
  else await Promise.all(layout.map((one) => limit(() => closePlacement(store, fleetId, one))));
  const { placements } = await readFleetPartition(store, fleetId);
  const networks = await readNetworks(store, { fleetId });
  const occupied = layout.filter(
    (one) =>
      networks.some((item) => samePlace(one, item)) ||
      placements.some((item) => samePlace(one, item) && hasRecords(item)) ||
      one.count > 0,
  );
  const clouds = await planOf(deps, spec, occupied, fleet.round);
  return {
    fleetId,
    scope,
    clouds: clouds.map((cloud) => ({
      ...cloud,
      places: cloud.places.map(({ connectionKey, location, queueUrl }) => ({
        connectionKey,
        location,
        queueUrl,
      })),
    })),
  };
}

const hasRecords = ({ counts }: PlacementItem): boolean => Object.values(counts).some((count) => count > 0);
