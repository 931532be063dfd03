import { layOut } from '../../platform/placement/lay-out.ts';
import {
  closeFleet,
  type FleetItem,
  parseFleetItem,
  readSpec,
  updateFleet,
} from '../../platform/store/fleets.ts';
import { readNetworkPartition } from '../../platform/store/networks.ts';
import { liveCount, type PlacementItem, readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import type { FinishAnswer, RemovalInput } from '../../platform/workflow/messages.ts';
import { aimOf } from './stop-when-decided.ts';
import { missingAmong, statusWhenRefined } from './verdict.ts';

export interface FinishTerminationDeps {
  store: Store<'fleets'>;
  forgetPrivateKey(fleetId: string): Promise<void>;
}

/**
 * Runs the workflow's state FinishTermination. A fleet with nothing left becomes Terminated or RolledBack,
 * and its name becomes free. After a refine, the fleet becomes Running, or Failed if a minimum is not
 * reached. While anything is left to remove, the fleet keeps its status and its work, and the reconciler
 * starts another execution.
 */
export async function finishTermination(
  deps: FinishTerminationDeps,
  { fleetId, execution, scope }: RemovalInput,
): Promise<FinishAnswer> {
  const { meta, placements } = await readFleetPartition(deps.store, fleetId);
  const fleet = parseFleetItem(meta);
  if (fleet.work === undefined || fleet.execution !== execution) return { status: fleet.status, done: true };
  return scope === 'fleet'
    ? await finishRemoval(deps, fleet, placements)
    : await finishRefining(deps.store, fleet, placements);
}

async function finishRemoval(
  { store, forgetPrivateKey }: FinishTerminationDeps,
  fleet: FleetItem,
  placements: readonly PlacementItem[],
): Promise<FinishAnswer> {
  const { fleetId } = fleet;
  const instances = placements.reduce((sum, placement) => sum + liveCount(placement), 0);
  const { records, memberships } = await readNetworkPartition(store, { fleetId });
  const isLeft = records.some((one) => one.status !== 'Gone') || memberships.length > 0;
  if (instances > 0 || isLeft) return { status: fleet.status, done: false };
  await forgetPrivateKey(fleetId);
  const status = fleet.status === 'RollingBack' ? 'RolledBack' : 'Terminated';
  await closeFleet(store, fleet, status);
  return { status, done: true };
}

async function finishRefining(
  store: Store<'fleets'>,
  fleet: FleetItem,
  placements: readonly PlacementItem[],
): Promise<FinishAnswer> {
  const left = placements.some(
    ({ counts }) => (counts.Failed ?? 0) > 0 || (counts.Terminating ?? 0) > 0 || (counts.Creating ?? 0) > 0,
  );
  if (left) return { status: fleet.status, done: false };
  const aim = aimOf(fleet, layOut(await readSpec(store, fleet.fleetId)));
  const status = statusWhenRefined(aim, placements);
  const acceptedMissing = missingAmong(aim, placements);
  const settled = await updateFleet(store, fleet, { status, acceptedMissing, work: null });
  if (!settled) throw new Error(`fleet ${fleet.fleetId} changed while its refine was being finished`);
  return { status, done: true };
}
