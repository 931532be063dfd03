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

/**
 * Most restarts of an execution that ended while instances were being created. After that, the fleet is settled in its
 * present state.
 */
const MOST_INTERRUPTIONS = 5;

/**
 * Runs the state Settle: pauses launching and applies the failure policy. A removal that the policy demands is done by
 * another execution, which the workflow starts. A fleet that is being removed or held, or that another execution has
 * taken over, stays as it is. A second run returns the same.
 *
 * @throws Error when the fleet changed in the meantime, or when instances are being created whose steps have ended.
 * That happens if their tasks were completed by mistake, or if the execution was stopped. No verdict is possible then,
 * because the outcome of these instances is unknown. Step Functions retries the state, and in the end the reconciler
 * starts another execution
 */
export async function settleFleet(
  store: Store<'fleets'>,
  { fleetId, execution }: { fleetId: string; execution: number },
): Promise<SettleAnswer> {
  const layout = layOut(await readSpec(store, fleetId));
  const before = await readFleetItem(store, fleetId);
  if (!before) throw new Error(`fleet ${fleetId} has no record`);
  if (before.work !== 'provision' || before.execution !== execution) return answerOf(before);
  if (before.interruptions < MOST_INTERRUPTIONS && (await isCreating(store, fleetId))) {
    throw new Error(`fleet ${fleetId} has instances that are being created and that no execution waits for`);
  }
  await pauseLaunching(store, before, layout);
  const { meta, placements } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  // The fleet was removed or held since it was first read. The writes below hold only for the fleet as it was read
  // here.
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
  if (!settled) throw new Error(`fleet ${fleetId} changed while it was being settled`);
  return answerOf(settled);
}

async function isCreating(store: Store<'fleets'>, fleetId: string): Promise<boolean> {
  const { placements } = await readFleetPartition(store, fleetId);
  return placements.some(({ counts }) => (counts.Creating ?? 0) > 0);
}

/**
 * Returns the removal that the workflow has to start. A retry does so as well, if the first run died before it could.
 */
function answerOf({ fleetId, status, work, execution }: FleetItem): SettleAnswer {
  if (work !== 'remove' && work !== 'refine') return { status };
  return { status, removal: removalInput({ work, fleetId, execution }) };
}
