import { allowedActions, type FleetAction, type FleetActionRequest } from '../../model/fleet-action.ts';
import { isGoing, isOver } from '../../model/status.ts';
import { readEnding } from '../../platform/store/ending.ts';
import {
  type FleetItem,
  type FleetUpdate,
  holdEnd,
  parseFleetItem,
  readFleetItem,
  updateFleet,
} from '../../platform/store/fleets.ts';
import { readFleetPartition } from '../../platform/store/placements.ts';
import { actionFacts } from './action-facts.ts';
import { assignWork, beginWork, resumeWork, type WorkDeps } from './begin-work.ts';
import { stopLaunching } from './stop-launching.ts';

export type ActionOutcome =
  | { outcome: 'accepted' }
  | { outcome: 'not-found' }
  | { outcome: 'deployment-ending'; since: string }
  | { outcome: 'illegal'; status: FleetItem['status']; allowed: FleetAction[] };

const TRIES = 5;

/**
 * Carries out a user's action on a fleet. A repeated request is accepted while the fleet is still in the
 * state that the first request led to. The repeated request takes the steps that the process of the first
 * request may have left undone.
 */
export async function actOnFleet(
  deps: WorkDeps,
  namespace: string,
  fleetId: string,
  request: FleetActionRequest,
): Promise<ActionOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    const { meta, placements } = await readFleetPartition(deps.store, fleetId);
    if (meta === undefined) return { outcome: 'not-found' };
    const fleet = parseFleetItem(meta);
    if (fleet.namespace !== namespace) return { outcome: 'not-found' };
    const { action } = request;
    if (fleet.lastAction === action && isUnderWay(fleet, action)) {
      const update = repeated(fleet, request, deps.store.clock.now());
      const same = update ? await updateFleet(deps.store, fleet, update) : fleet;
      if (same) await finishAction(deps, same, action);
      return { outcome: 'accepted' };
    }
    const allowed = allowedActions(actionFacts(fleet, placements));
    if (!allowed.includes(action)) return { outcome: 'illegal', status: fleet.status, allowed };
    // The launch gate is the guard. This check only tells the user why nothing would be launched.
    const ending = action === 'release' || action === 'retry' ? await readEnding(deps.store) : undefined;
    if (ending) return { outcome: 'deployment-ending', since: ending.since };
    const after = await carryOut(deps, fleet, request);
    if (after) {
      await finishAction(deps, after, action);
      return { outcome: 'accepted' };
    }
    if (attempt === TRIES)
      throw new Error(`${action} failed: other requests changed fleet ${fleetId} ${TRIES} times in a row`);
  }
}

/** Returns what a repeated request writes; undefined if it writes nothing. */
function repeated(
  { status }: FleetItem,
  request: FleetActionRequest,
  nowMs: number,
): FleetUpdate | undefined {
  switch (request.action) {
    case 'hold': {
      const heldUntilMs = holdEnd(nowMs, request);
      return heldUntilMs === undefined ? undefined : { heldUntilMs };
    }
    case 'withdraw':
    case 'refine':
      return isOver(status) ? undefined : { removalAskedAtMs: nowMs };
    case 'release':
    case 'abort':
    case 'retry':
      return undefined;
  }
}

/** Returns true if the fleet is in the state that the action leads to. */
function isUnderWay(fleet: FleetItem, action: FleetAction): boolean {
  switch (action) {
    case 'hold':
      return fleet.status === 'Held';
    case 'release':
    case 'retry':
      return fleet.status === 'Preparing' || fleet.status === 'Creating';
    case 'abort':
      return fleet.status === 'Creating' && fleet.abortedRound === fleet.round;
    case 'withdraw':
      return fleet.status === 'Terminating' || fleet.status === 'Terminated';
    case 'refine':
      return fleet.work === 'refine';
  }
}

/**
 * Writes the fleet's new state. With this write, the action is accepted. @returns undefined if the fleet has
 * changed since it was read
 */
async function carryOut(
  deps: WorkDeps,
  fleet: FleetItem,
  request: FleetActionRequest,
): Promise<FleetItem | undefined> {
  const { action } = request;
  switch (action) {
    case 'hold':
      return await updateFleet(deps.store, fleet, {
        status: 'Held',
        work: null,
        lastAction: action,
        pausePending: true,
        heldUntilMs: holdEnd(deps.store.clock.now(), request) ?? null,
      });
    case 'release':
    case 'retry':
      return await assignWork(deps.store, fleet, 'provision', {
        status: 'Preparing',
        round: fleet.round + 1,
        heldUntilMs: null,
        pausePending: null,
        acceptedMissing: null,
        lastAction: action,
      });
    case 'abort':
      return await updateFleet(deps.store, fleet, {
        status: 'Creating',
        abortedRound: fleet.round,
        pausePending: true,
        lastAction: action,
      });
    case 'withdraw':
      return await assignWork(deps.store, fleet, 'remove', {
        status: 'Terminating',
        heldUntilMs: null,
        lastAction: action,
        removalAskedAtMs: deps.store.clock.now(),
      });
    case 'refine':
      return await assignWork(deps.store, fleet, 'refine', {
        lastAction: action,
        removalAskedAtMs: deps.store.clock.now(),
      });
  }
}

/** Pauses launching, or starts the workflow, as the action requires. A second call has no further effect. */
async function finishAction(
  { store, workflows }: WorkDeps,
  fleet: FleetItem,
  action: FleetAction,
): Promise<void> {
  switch (action) {
    case 'hold':
    case 'abort':
      return await stopLaunching(store, fleet);
    case 'release':
    case 'withdraw':
    case 'retry':
    case 'refine':
      return await resumeWork(workflows, fleet);
  }
}

/**
 * Starts the removal of a fleet in any state. A repeated request is accepted, too: workers then try failed
 * removals again without waiting for the end of their delay.
 *
 * @returns false if the namespace has no such fleet
 */
export async function requestTermination(
  deps: WorkDeps,
  namespace: string,
  fleetId: string,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const fleet = await readFleetItem(deps.store, fleetId);
    if (fleet?.namespace !== namespace) return false;
    const removalAskedAtMs = deps.store.clock.now();
    if (isGoing(fleet.status)) {
      const same = isOver(fleet.status) || (await updateFleet(deps.store, fleet, { removalAskedAtMs }));
      if (same) {
        await resumeWork(deps.workflows, fleet);
        return true;
      }
    } else {
      const update = { status: 'Terminating' as const, heldUntilMs: null, removalAskedAtMs };
      if (await beginWork(deps, fleet, 'remove', update)) return true;
    }
    if (attempt === TRIES)
      throw new Error(`fleet ${fleetId} was not deleted: other requests changed it ${TRIES} times in a row`);
  }
}
