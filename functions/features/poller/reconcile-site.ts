import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isTransitional } from '../../model/status.ts';
import { readSiteState } from '../../platform/governor/hold-location.ts';
import { type Holders, heldNow } from '../../platform/governor/slots.ts';
import type { SiteEntry } from '../../platform/store/instances.ts';
import type { Loop } from '../../platform/store/loops.ts';
import { takeBackUnclaimed } from '../instances/take-back.ts';
import { STALLED_MS, serveQueue } from '../launch-queue/serve-queue.ts';
import { applyDecided, endAttempts } from './apply-changes.ts';
import { decideChanges } from './decide-changes.ts';
import { decideSlots, stillInTransition } from './decide-slots.ts';
import { nameMachines } from './name-machines.ts';
import { bootBetween, fastestOf } from './next-poll.ts';
import { noteCapacity } from './note-capacity.ts';
import { noteQuotas } from './note-quotas.ts';
import { observe } from './observe.ts';
import type { Observed, Poll } from './poll.ts';
import { withPrices } from './price-changes.ts';
import { releaseSlotsOf, tellGovernor } from './release.ts';
import { noteSlowRemovals, removeMachines } from './remove-machines.ts';
import { noteKeptDisks, settleVolumes } from './settle-volumes.ts';
import type { Snapshot } from './snapshot.ts';
import { deferReads } from './snapshot-by-id.ts';

/**
 * Maximum time from the start time of a permit to the launch's create call, in ms. After this time, the call
 * no longer influences the time of the next poll.
 */
const ABOUT_TO_CALL_MS = 10_000;

/** The outcome of reconciling one site. */
export interface Reconciled {
  /**
   * Number of records in transition, plus the slots that a launch may still use. Covers only records that the
   * snapshot shows or that the poll has read.
   */
  inTransition: number;
  isWaitedFor: boolean;
  /** True if some calls to remove machines were not made, or have no answer yet. */
  isRemoving: boolean;
  /** True if some machines still have to get names of their own. */
  isNaming: boolean;
  /** Start times of the create calls, past or scheduled, whose instances hold slots and do not run yet. */
  startsMs: number[];
  /** True if the poll compared all machines with their records, including addresses and types. */
  hasLookedClosely: boolean;
  fastestMs: number | undefined;
}

/**
 * Reconciles the records of a site with a snapshot. The four phases are called observe, decide, apply and
 * release. Writes changes before it completes the workflow's tasks, and completes tasks before it gives slots
 * back. At the end, serves the launch queue.
 */
export async function reconcileSite(poll: Poll, snapshot: Snapshot): Promise<Reconciled> {
  const { context, site, opened, loop } = poll;
  const observed = await observe(poll, snapshot);
  const seen = await settleVolumes(poll, decideChanges(observed));
  const decided = { ...seen, changes: await withPrices(context, seen.changes) };
  const applied = await applyDecided(poll, decided, observed.records);
  await noteKeptDisks(poll, decided, applied);
  await noteCapacity(poll, applied);
  await noteQuotas(poll, applied);
  const decision = decideSlots(observed, applied, site, context.store.clock.now());
  const fenced = await releaseSlotsOf(poll, observed, applied, decision);
  await endAttempts(poll, decided);
  const isRemoving = await removeMachines(poll, decided.removals);
  if (snapshot.isListless) {
    const removed = decided.removals.map(({ record }) => record.instanceId);
    deferReads(loop, removed, context.store.clock.now());
  }
  if (observed.picked.withDeadlines) await noteSlowRemovals(poll, observed.found);
  if (observed.picked.withDeadlines) {
    const unclaimed = withoutEntry(snapshot.seen, snapshot.entries);
    await takeBackUnclaimed(context, site, opened, unclaimed, snapshot.seenAtMs);
  }
  const running = runningAmong(observed.machines);
  await tellGovernor(poll, observed, applied, running);
  const boots = observed.picked.creating.filter((id) => running.has(id) && id in observed.holders);
  const isNaming = await nameMachines(poll, snapshot);
  const hasQueued = await serveQueue(context, site, opened, new Set(stalledAmong(observed)));
  // If `serveQueue` has just given slots to all queued launches, the queue is empty. The fleets of these
  // launches may soon enqueue further launches.
  const isWaitedFor = hasQueued || (boots.length > 0 && (await hasNewHolders(poll, observed.holders)));
  return {
    inTransition: quietAmong(observed) + stillInTransition(applied, decision, fenced),
    isWaitedFor,
    isRemoving,
    isNaming,
    startsMs: startsAmong(observed, running, context.store.clock.now(), boots.length > 0 && isWaitedFor),
    hasLookedClosely: observed.picked.withDeadlines,
    fastestMs: fastestNow(loop, observed, boots),
  };
}

function runningAmong(machines: Observed['machines']): Set<string> {
  return new Set(
    [...machines].flatMap(([id, ofId]) => (ofId.some(({ status }) => status === 'Running') ? [id] : [])),
  );
}

/**
 * Returns the ids of slot holders whose permit started more than STALLED_MS ago, and whose create call the
 * cloud has not accepted.
 */
function stalledAmong({ picked: { pending }, snapshot: { seenAtMs } }: Observed): string[] {
  return Object.entries(pending).flatMap(([id, startMs]) => (startMs + STALLED_MS < seenAtMs ? [id] : []));
}

/**
 * Counts index entries in transition whose records the poll has not read, because these entries agree with
 * the cloud.
 */
function quietAmong({ snapshot: { entries }, picked }: Observed): number {
  const rereadIds = new Set(picked.rereadIds);
  return entries.filter(({ status, siteSk }) => isTransitional(status) && !rereadIds.has(siteSk)).length;
}

/** Returns the start times of create calls whose instances hold slots and do not run yet. Pure. */
function startsAmong(
  { picked: { creating, staleHolders }, holders, snapshot: { seenAtMs } }: Observed,
  running: ReadonlySet<string>,
  nowMs: number,
  areSlotsGiven: boolean,
): number[] {
  const startsMs = creating.filter((id) => !running.has(id)).map((id) => holders[id] ?? seenAtMs);
  // Adds launches that hold slots and have no record in Creating yet. If this poll has just given slots to
  // launches, adds the current time as the start time of their calls.
  const about = Object.values(staleHolders).filter((startMs) => startMs + ABOUT_TO_CALL_MS > nowMs);
  return [...startsMs, ...about, ...(areSlotsGiven ? [nowMs] : [])];
}

/**
 * Returns the shortest boot time of the site, from the stored boot time and the boots that this poll
 * measured. Pure.
 */
function fastestNow(
  { fastestMs, polledAtMs = 0 }: Loop,
  { holders, snapshot: { seenAtMs } }: Observed,
  boots: readonly string[],
): number | undefined {
  const tookMs = boots.map((id) => bootBetween(holders[id] ?? seenAtMs, polledAtMs, seenAtMs));
  return fastestOf(
    fastestMs,
    tookMs.filter((ms) => ms !== undefined),
  );
}

/** Returns true if an instance that held no slot when this poll began holds one now. */
async function hasNewHolders({ context: { store }, site }: Poll, known: Holders): Promise<boolean> {
  const state = await readSiteState(store, site);
  return Object.keys(heldNow(state?.holders ?? {}, store.clock.now())).some((id) => !(id in known));
}

function withoutEntry(seen: readonly CloudInstance[], entries: readonly SiteEntry[]): CloudInstance[] {
  const known = new Set(entries.map(({ siteSk }) => siteSk));
  return seen.filter(({ instanceId }) => instanceId !== undefined && !known.has(instanceId));
}
