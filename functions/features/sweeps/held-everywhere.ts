import type { Connection } from '../../model/connection.ts';
import type { HoldReason } from '../../model/orphan.ts';
import {
  EVERYWHERE,
  emptyHold,
  type HoldItem,
  type HoldState,
  readHold,
  updateHold,
} from '../../platform/store/sweep-holds.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { tellHold } from './tell-hold.ts';

/**
 * Returns the reason why sweeps of a connection may remove nothing at any location; undefined if there is no
 * such reason.
 *
 * One reason is that the tables were restored to an earlier time, and lack records of machines that were
 * created after that time. The other reason is another live deployment with the same deployment id.
 */
export async function heldEverywhere(
  context: WorkerContext,
  { connectionKey }: SiteRef,
  connection: Connection,
  dryRun: boolean,
): Promise<HoldReason | undefined> {
  const { store } = context;
  const ref = { connectionKey, location: EVERYWHERE };
  const restores = await context.restores();
  const decide = (item: HoldItem) => restoredHold(item, restores, store.clock.now());
  const item = (await readHold(store, ref)) ?? emptyHold(ref);
  const { state, answer } = decide(item);
  const hold = state && !dryRun ? await updateHold(store, ref, decide) : answer;
  if (hold && !dryRun) await tellHold(context, connection, ref, hold);
  return hold?.because;
}

/**
 * Adds a hold if the tables were restored, and no operator has continued the sweeps after the restore. Pure.
 *
 * @param restores number of restores so far
 */
export function restoredHold(
  item: HoldItem,
  restores: number,
  nowMs: number,
): { state: HoldItem | undefined; answer: HoldState | undefined } {
  const isNew = restores > Math.max(item.restoresContinued ?? 0, item.hold?.restores ?? 0);
  if (!isNew) return { state: undefined, answer: item.hold };
  const hold: HoldState = {
    because: 'restored',
    sinceMs: nowMs,
    restores,
    message:
      'the tables were restored to an earlier time, and machines that were created after that time may have no record: check them with "fleetwright orphans list", then continue the sweeps with "fleetwright orphans continue"',
  };
  return { state: { ...item, hold }, answer: hold };
}
