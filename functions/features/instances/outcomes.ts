import type { Failure } from '../../model/failure.ts';
import { fleetCreatedAtMs } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import { siteOf } from '../../platform/placement/lay-out.ts';
import { hasEnded } from '../../platform/store/counters.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { siteName } from '../../platform/store/keys.ts';
import {
  type Claim,
  type StatusChange,
  stepOf,
  type TransitionResult,
  transition,
} from '../../platform/store/transition.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { endAwait } from '../fleets/await-launches.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import { sendTogether } from '../launch-queue/send-together.ts';
import { lastCallBy } from '../ownership/attempts.ts';
import { attemptElsewhere } from './attempt-elsewhere.ts';
import { outcomeOf } from './next-step.ts';

/**
 * Writes status changes of records, with one transition for each fleet and site. If they end the last launches of a
 * fleet at a connection, completes the task that waits for them.
 */
export async function applyChanges(
  context: WorkerContext,
  changes: readonly (Claim | StatusChange)[],
): Promise<TransitionResult> {
  const total: TransitionResult = { applied: [], refused: [], stoppedByGate: false, withoutSeat: [] };
  const byPlacement = Map.groupBy(
    changes,
    ({ record }) => `${record.fleetId} ${siteName(record.connectionKey, record.location)}`,
  );
  for (const ofPlacement of byPlacement.values()) {
    const [first] = ofPlacement;
    if (!first) continue;
    const { fleetId, connectionKey, location } = first.record;
    const placement = { fleetId, connectionKey, location };
    const seconds = secondsSinceCreation(context, fleetId);
    const result = await transition(context.store, placement, ofPlacement, seconds);
    total.applied.push(...result.applied);
    total.refused.push(...result.refused);
    total.stoppedByGate ||= result.stoppedByGate;
    total.withoutSeat.push(...result.withoutSeat);
    const written = new Set(result.applied);
    const ended = ofPlacement.filter((one) => written.has(one.record.instanceId) && endsLaunch(one));
    if (ended.length > 0) await endAwait(context, placement, ended.map(stepOf));
  }
  return total;
}

/** Returns true if, after a change, an instance counts as launched or as ended, and did not before. */
function endsLaunch(change: Claim | StatusChange): boolean {
  const { before, after } = stepOf(change);
  const now = standingOf(after);
  return now !== 'open' && !(before && standingOf(before) === now);
}

/** Returns how an instance counts for the launches that are left: as open, as launched, or as ended in its round. */
function standingOf(record: InstanceItem): string {
  if (hasEnded(record)) return `ended in ${record.round}`;
  return outcomeOf(record) === undefined ? 'open' : 'launched';
}

export function secondsSinceCreation({ store }: WorkerContext, fleetId: string): number {
  return Math.max(0, Math.round((store.clock.now() - fleetCreatedAtMs(fleetId)) / 1_000));
}

/**
 * Gives the slots of instances back whose launches have an outcome. The caller has already written the records. If the
 * worker crashes in between, a later poll finds the slot of an instance with an outcome, and gives it back.
 *
 * @param held slot holders and the times of their permits, read before these records. Slots of other permits
 *   are not given back, because launches of a later round may hold those slots
 * @param at the site of the slots; absent: each record's own site
 */
export async function freeSlotsOf(
  context: WorkerContext,
  records: readonly InstanceItem[],
  { held, at }: { held?: Holders; at?: SiteRef } = {},
): Promise<void> {
  const ended = records.filter((record) => outcomeOf(record) !== undefined);
  const free = ended.filter((record) => record.status !== 'Terminating' || record.runningAt !== undefined);
  for (const there of bySite(free, at)) {
    const slots = there.records.flatMap(({ instanceId }) => {
      const startMs = held?.[instanceId];
      return held && startMs === undefined ? [] : [{ instanceId, startMs }];
    });
    await freeSlots(context, there.site, slots);
  }
}

function bySite(
  records: readonly InstanceItem[],
  at: SiteRef | undefined,
): { site: SiteRef; records: readonly InstanceItem[] }[] {
  if (at) return [{ site: at, records }];
  const groups = Map.groupBy(records, ({ connectionKey, location }) => siteName(connectionKey, location));
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    return first ? [{ site: siteOf(first), records: members }] : [];
  });
}

/**
 * Ends attempts that have no machine at the cloud. An instance moves to another location if an attempt may
 * succeed there. Otherwise the instance becomes Failed.
 *
 * @returns the records of the launches that would wait, and that the launch gate stops. They are unchanged
 */
export async function failInstances(
  context: WorkerContext,
  failures: readonly { record: InstanceItem; failure: Failure }[],
): Promise<InstanceItem[]> {
  const ended: (typeof failures)[number][] = [];
  const stopped: InstanceItem[] = [];
  await sendTogether(context, async (send) => {
    for (const { record, failure } of failures) {
      const last = await attemptElsewhere(context, record, failure, send);
      if (last === 'stopped') stopped.push(record);
      else if (last) ended.push({ record, failure: last });
    }
  });
  if (ended.length > 0) await fail(context, ended);
  return stopped;
}

async function fail(
  context: WorkerContext,
  ended: readonly { record: InstanceItem; failure: Failure }[],
): Promise<void> {
  await applyChanges(
    context,
    ended.map(({ record, failure }) => ({
      kind: 'change',
      record,
      to: 'Failed',
      fields: {
        failure: { code: failure.code, message: failure.message.slice(0, 1_000) },
        claimUntilMs: 0,
        closedAtMs: lastCallBy(record, context.store.clock.now()),
      },
    })),
  );
  const now = await readInstances(
    context.store,
    ended.map(({ record }) => record),
  );
  await freeSlotsOf(
    context,
    [...now.values()].filter((record) => isClosed(record.status)),
  );
  for (const fleetId of new Set(ended.map(({ record }) => record.fleetId))) {
    await stopWhenDecided(context.store, await context.layout(fleetId));
  }
}
