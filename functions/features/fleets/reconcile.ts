import pLimit from 'p-limit';
import { layOut } from '../../platform/placement/lay-out.ts';
import type { Logger as Log } from '../../platform/runtime/logger.ts';
import { type FleetItem, type FleetUpdate, readFleetItem, readSpec } from '../../platform/store/fleets.ts';
import { listActiveFleetIds } from '../../platform/store/list-fleets.ts';
import { beginWork, resumeWork, type WorkDeps } from './begin-work.ts';
import { stopLaunching } from './stop-launching.ts';
import { stopWhenDecided } from './stop-when-decided.ts';

/**
 * Time after an execution was assigned, in ms. If Step Functions has no such execution after this time, the
 * reconciler starts the execution.
 */
const START_GRACE_MS = 30_000;
/**
 * Minimum time from the assignment of an execution to the start of the next execution, in ms. The reconciler
 * starts the next execution if the earlier execution ended before its work was done. The time doubles with
 * each interruption, up to LONGEST_RESTART_MS.
 */
const RESTART_MS = 60_000;
const LONGEST_RESTART_MS = 30 * 60_000;
const CONCURRENT_FLEETS = 5;

export interface Reconciliation {
  /** Number of fleets that have work under way, or a hold that will expire. */
  active: number;
  /**
   * Number of executions that this run started. Such an execution had never been started, or it follows an
   * execution that ended before its work was done.
   */
  started: number;
  /** Number of fleets that were withdrawn because their hold expired. */
  withdrawn: number;
}

/**
 * Makes sure that an execution works on every fleet that has work. Resumes work if the process of a request
 * died before it started the workflow, or if a workflow failed or was stopped. Withdraws fleets whose hold
 * has expired. A schedule calls this each minute.
 */
export async function reconcileFleets(deps: WorkDeps & { log: Log }): Promise<Reconciliation> {
  const answer: Reconciliation = { active: 0, started: 0, withdrawn: 0 };
  const limit = pLimit(CONCURRENT_FLEETS);
  let after: string | undefined;
  do {
    const page = await listActiveFleetIds(deps.store, after);
    const outcomes = await Promise.all(
      page.fleetIds.map((fleetId) =>
        limit(async () => {
          try {
            return await reconcileFleet(deps, fleetId);
          } catch (error) {
            // An error of one fleet must not delay the other fleets. The next run tries this fleet again.
            deps.log.error('the fleet could not be reconciled', { fleetId, error });
            return 'none';
          }
        }),
      ),
    );
    answer.active += page.fleetIds.length;
    answer.started += outcomes.filter((outcome) => outcome === 'started').length;
    answer.withdrawn += outcomes.filter((outcome) => outcome === 'withdrawn').length;
    after = page.last;
  } while (after !== undefined);
  return answer;
}

export async function reconcileFleet(
  deps: WorkDeps & { log: Log },
  fleetId: string,
): Promise<'none' | 'started' | 'withdrawn'> {
  const { store, log } = deps;
  const fleet = await readFleetItem(store, fleetId);
  if (!fleet) return 'none';
  if (fleet.status === 'Held' && fleet.heldUntilMs !== undefined && fleet.heldUntilMs <= store.clock.now()) {
    log.info('the hold has expired: the fleet is withdrawn', { fleetId });
    const update: FleetUpdate = {
      status: 'Terminating',
      heldUntilMs: null,
      pausePending: null,
      ownAct: {
        type: 'fleet.withdraw',
        actor: { kind: 'schedule', name: 'end-of-hold' },
        atMs: store.clock.now(),
      },
    };
    return (await beginWork(deps, fleet, 'remove', update)) ? 'withdrawn' : 'none';
  }
  await stopLaunching(store, fleet);
  if (fleet.work === undefined) return 'none';
  return (await reviveWork(deps, fleet)) ? 'started' : 'none';
}

/**
 * Starts a fleet's execution if it is not running and work is left. @returns true if an execution was started
 */
async function reviveWork(deps: WorkDeps & { log: Log }, fleet: FleetItem): Promise<boolean> {
  const { store, workflows, log } = deps;
  const { fleetId, work, execution, interruptions } = fleet;
  if (work === undefined) return false;
  const ageMs = store.clock.now() - fleet.workSinceMs;
  switch (await workflows.state({ work, fleetId, execution })) {
    case 'running':
      if (work === 'provision' && fleet.status === 'Creating') {
        // Too many instances may have failed already. The worker that recorded the last failure may have died
        // before it paused launching.
        await stopWhenDecided(store, { fleetId, placements: layOut(await readSpec(store, fleetId)) });
      }
      return false;
    case 'absent':
      if (ageMs < START_GRACE_MS) return false;
      log.warn('an execution was never started: it is started now', { fleetId, work, execution });
      await resumeWork(workflows, fleet);
      return true;
    case 'ended': {
      if (ageMs < Math.min(RESTART_MS * 2 ** interruptions, LONGEST_RESTART_MS)) return false;
      const current = await readFleetItem(store, fleetId);
      // The execution may have completed its work after the fleet was read.
      if (current?.work !== work || current.execution !== execution) return false;
      log.warn('an execution ended before its work was done: another one is started', {
        fleetId,
        work,
        execution,
      });
      const update = { interruptions: interruptions + 1 };
      return (await beginWork(deps, current, work, update)) !== undefined;
    }
  }
}
