import { layOut } from '../../platform/placement/lay-out.ts';
import {
  type FleetItem,
  parseFleetItem,
  readFleetItem,
  readSpec,
  updateFleet,
} from '../../platform/store/fleets.ts';
import { readFleetPartition } from '../../platform/store/placements.ts';
import type { Store } from '../../platform/store/store.ts';
import type { SettleAnswer } from '../../platform/workflow/messages.ts';
import { assignWork } from './begin-work.ts';
import { aimOf, pauseLaunching } from './stop-when-decided.ts';
import { verdictOf } from './verdict.ts';
import { removalInput } from './workflows.ts';

/** So often, work that ended while instances were being created is begun anew; then the fleet is settled as it is. */
const MOST_INTERRUPTIONS = 5;

/**
 * The state Settle: nothing more is launched, and the failure policy says what comes of the fleet. What it asks for is
 * another execution's, which the workflow starts. A fleet that is removed or held by now, or that another execution
 * has taken up, stays as it is. Run twice it answers the same.
 *
 * @throws Error when the fleet went on meanwhile, or when instances are being created whose steps ended without them
 *   (answered by mistake, or in an execution that was stopped): the state is tried again, and in the end the reconciler
 *   begins anew, since a verdict now would be about what is not known yet
 */
export async function settleFleet(
  store: Store<'fleets'>,
  { fleetId, execution }: { fleetId: string; execution: number },
): Promise<SettleAnswer> {
  const layout = layOut(await readSpec(store, fleetId));
  const before = await readFleetItem(store, fleetId);
  if (!before) throw new Error(`no fleet ${fleetId}`);
  if (before.work !== 'provision' || before.execution !== execution) return answerOf(before);
  if (before.interruptions < MOST_INTERRUPTIONS && (await isCreating(store, fleetId))) {
    throw new Error(`instances of fleet ${fleetId} are being created, and nobody waits for them`);
  }
  await pauseLaunching(store, before, layout);
  const { meta, placements } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  // Removed or held since the first look: what is written below holds only for a fleet that is as it was read here.
  if (fleet.work !== 'provision' || fleet.execution !== execution) return answerOf(fleet);
  const verdict = verdictOf(aimOf(fleet, layout), placements, fleet.abortedRound === fleet.round);
  const update = {
    pausePending: null,
    runningAt: fleet.runningAt ?? new Date(store.clock.now()).toISOString(),
  };
  let settled: FleetItem | undefined;
  switch (verdict.next) {
    case 'none':
      settled = await updateFleet(store, fleet, { ...update, status: verdict.status, work: null });
      break;
    case 'rollback':
      settled = await assignWork(store, fleet, 'remove', { ...update, status: 'RollingBack' });
      break;
    case 'refine':
      settled = await assignWork(store, fleet, 'refine', update);
  }
  if (!settled) throw new Error(`fleet ${fleetId} went on while it was settled`);
  return answerOf(settled);
}

async function isCreating(store: Store<'fleets'>, fleetId: string): Promise<boolean> {
  const { placements } = await readFleetPartition(store, fleetId);
  return placements.some(({ counts }) => (counts.Creating ?? 0) > 0);
}

/** Tells the workflow which removal to start, also when the first delivery of this died before it could. */
function answerOf({ fleetId, status, work, execution }: FleetItem): SettleAnswer {
  if (work !== 'remove' && work !== 'refine') return { status };
  return { status, removal: removalInput({ work, fleetId, execution }) };
}
