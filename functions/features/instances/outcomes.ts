import type { Failure } from '../../model/failure.ts';
import { fleetCreatedAtMs } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import { siteOf } from '../../platform/placement/lay-out.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { siteName } from '../../platform/store/keys.ts';
import {
  type Claim,
  type StatusChange,
  type TransitionResult,
  transition,
} from '../../platform/store/transition.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import { lastCallBy } from '../ownership/attempts.ts';
import { attemptElsewhere } from './attempt-elsewhere.ts';
import { outcomeOf } from './next-step.ts';

/** Writes status changes of records, with one transition for each fleet and site. */
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
  }
  return total;
}

export function secondsSinceCreation({ store }: WorkerContext, fleetId: string): number {
  return Math.max(0, Math.round((store.clock.now() - fleetCreatedAtMs(fleetId)) / 1_000));
}

/**
 * Returns the records with their current task tokens, because another execution may have replaced a token
 * since its record was read. The caller has already written a change after which no execution replaces the
 * token any more. If a record has a later attempt now, its old token is returned: the new token must not get
 * the earlier attempt's outcome.
 */
export async function withPresentTokens(
  { store }: WorkerContext,
  records: readonly InstanceItem[],
): Promise<InstanceItem[]> {
  if (records.length === 0) return [];
  const now = await readInstances(store, records);
  return records.map((record) => {
    const present = now.get(record.instanceId);
    return present?.taskToken === undefined || present.attempt !== record.attempt
      ? record
      : { ...record, taskToken: present.taskToken };
  });
}

/**
 * Completes the tasks of instances that have an outcome, then gives their slots back. The caller has already
 * written the records. If the worker crashes in between, a later poll finds the slot of an instance with an
 * outcome, and repeats both steps.
 *
 * @param held slot holders and the times of their permits, read before these records. Slots of other permits
 *   are not given back, because launches of a later round may hold those slots
 * @param at the site of the slots; absent: each record's own site
 */
export async function completeTasks(
  context: WorkerContext,
  records: readonly InstanceItem[],
  { held, at }: { held?: Holders; at?: SiteRef } = {},
): Promise<void> {
  const ended = records.filter((record) => outcomeOf(record) !== undefined);
  await Promise.all(
    ended.map(async (record) => {
      const outcome = outcomeOf(record);
      if (record.taskToken && outcome) await context.tasks.succeed(record.taskToken, { outcome });
    }),
  );
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
 */
export async function failInstances(
  context: WorkerContext,
  failures: readonly { record: InstanceItem; failure: Failure }[],
): Promise<void> {
  const ended: (typeof failures)[number][] = [];
  for (const { record, failure } of failures) {
    const last = await attemptElsewhere(context, record, failure);
    if (last) ended.push({ record, failure: last });
  }
  if (ended.length === 0) return;
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
  await completeTasks(
    context,
    [...now.values()].filter((record) => isClosed(record.status)),
  );
  for (const fleetId of new Set(ended.map(({ record }) => record.fleetId))) {
    await stopWhenDecided(context.store, await context.layout(fleetId));
  }
}
