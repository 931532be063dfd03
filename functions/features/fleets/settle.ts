import { layOut } from '../../platform/placement/lay-out.ts';
import {
  type FleetItem,
  type OwnAct,
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
 * Maximum number of restarts of an execution that ended while instances were being created. After that many
 * restarts, the fleet is settled with the instances that it has.
 */
const MOST_INTERRUPTIONS = 5;

/**
 * Runs the workflow's state Settle: pauses launching and applies the failure policy. If the policy requires a
 * removal, the workflow starts another execution for the removal. Does not change a fleet that is being
 * removed or held, or whose work belongs to another execution. A second run returns the same.
 *
 * @throws Error if the fleet changed during this call, or if it has instances in Creating for which no
 *   workflow step waits. The tasks of these instances may have been completed by mistake, or an execution may
 *   have been stopped. No verdict is possible, because the outcome of these instances is unknown. Step
 *   Functions retries the state; if all retries fail, the reconciler starts another execution
 */
export async function settleFleet(
  store: Store<'fleets'>,
  { fleetId, execution }: { fleetId: string; execution: number },
): Promise<SettleAnswer> {
  const layout = layOut(await readSpec(store, fleetId));
  const before = await readFleetItem(store, fleetId);
  if (!before) throw new Error(`fleet ${fleetId} has no record`);
  if (before.work !== 'provision' || before.execution !== execution) return answerOf(before);
  const { placements: known } = await readFleetPartition(store, fleetId);
  const isCreating = known.some(({ counts }) => (counts.Creating ?? 0) > 0);
  if (before.interruptions < MOST_INTERRUPTIONS && isCreating) {
    throw new Error(`fleet ${fleetId} has instances in Creating for which no workflow step waits`);
  }
  await pauseLaunching(store, before, layout, known);
  const { meta, placements } = await readFleetPartition(store, fleetId);
  const fleet = parseFleetItem(meta);
  // The fleet was removed or held after the first read. The writes below succeed only if the fleet is
  // unchanged since the second read.
  if (fleet.work !== 'provision' || fleet.execution !== execution) return answerOf(fleet);
  const verdict = verdictOf(aimOf(fleet, layout), placements, fleet.abortedRound === fleet.round);
  const update = {
    pausePending: null,
    runningAt: fleet.runningAt ?? new Date(store.clock.now()).toISOString(),
  };
  const actOf = (policy: 'rollback' | 'refine'): OwnAct => ({
    type: `fleet.${policy}`,
    actor: { kind: 'policy', name: policy },
    atMs: store.clock.now(),
  });
  let settled: FleetItem | undefined;
  switch (verdict.next) {
    case 'none':
      settled = await updateFleet(store, fleet, { ...update, status: verdict.status, work: null });
      break;
    case 'rollback':
      settled = await assignWork(store, fleet, 'remove', {
        ...update,
        status: 'RollingBack',
        ownAct: actOf('rollback'),
      });
      break;
    case 'refine':
      settled = await assignWork(store, fleet, 'refine', { ...update, ownAct: actOf('refine') });
  }
  if (!settled) throw new Error(`fleet ${fleetId} changed while it was being settled`);
  return answerOf(settled);
}

/**
 * Returns the fleet's status, and the removal that the workflow has to start, if any. A second run of the
 * state returns the removal again, because the workflow may not have started the removal.
 */
function answerOf({ fleetId, status, work, execution }: FleetItem): SettleAnswer {
  if (work !== 'remove' && work !== 'refine') return { status };
  return { status, removal: removalInput({ work, fleetId, execution }) };
}
