import type { Failure } from '../../model/failure.ts';
import { fleetCreatedAtMs } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
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

/** Writes changes of one site, fleet by fleet. */
export async function applyChanges(
  context: WorkerContext,
  site: SiteRef,
  changes: readonly (Claim | StatusChange)[],
): Promise<TransitionResult> {
  const total: TransitionResult = { applied: [], refused: [], stoppedByGate: false };
  const byFleet = Map.groupBy(changes, ({ record }) => record.fleetId);
  for (const [fleetId, ofFleet] of byFleet) {
    const result = await transition(
      context.store,
      { fleetId, ...site },
      ofFleet,
      secondsSinceCreation(context, fleetId),
    );
    total.applied.push(...result.applied);
    total.refused.push(...result.refused);
    total.stoppedByGate ||= result.stoppedByGate;
  }
  return total;
}

export function secondsSinceCreation({ store }: WorkerContext, fleetId: string): number {
  return Math.max(0, Math.round((store.clock.now() - fleetCreatedAtMs(fleetId)) / 1_000));
}

/**
 * Records with the tokens that steps wait with now: since they were read, another execution may have replaced a token.
 * Called after the write that ends the waiting, behind which no token is replaced any more. A later attempt has a token
 * of its own, which is not to hear how an earlier one ended.
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
 * Tells the workflow how these instances ended, then gives their slots back. In this order, and only after the
 * record is written: whoever finds a slot held by an instance with an outcome does both again.
 *
 * @param held the permits that were seen before these records were read: of others, no slot goes back. A later round
 *   may have another by now
 */
export async function completeTasks(
  context: WorkerContext,
  site: SiteRef,
  records: readonly InstanceItem[],
  held?: Holders,
): Promise<void> {
  const ended = records.filter((record) => outcomeOf(record) !== undefined);
  await Promise.all(
    ended.map(async (record) => {
      const outcome = outcomeOf(record);
      if (record.taskToken && outcome) await context.tasks.succeed(record.taskToken, { outcome });
    }),
  );
  const free = ended.filter((record) => record.status !== 'Terminating' || record.runningAt !== undefined);
  await freeSlots(
    context,
    site,
    free.flatMap(({ instanceId }) => {
      const startMs = held?.[instanceId];
      return held && startMs === undefined ? [] : [{ instanceId, startMs }];
    }),
  );
}

/**
 * Ends attempts of which the cloud is known to have nothing: where another location may have what this one has not,
 * the instance goes there; else it is Failed.
 */
export async function failInstances(
  context: WorkerContext,
  site: SiteRef,
  failures: readonly { record: InstanceItem; failure: Failure }[],
): Promise<void> {
  const ended: (typeof failures)[number][] = [];
  for (const one of failures) {
    if (!(await attemptElsewhere(context, one.record, one.failure))) ended.push(one);
  }
  if (ended.length === 0) return;
  await applyChanges(
    context,
    site,
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
    site,
    [...now.values()].filter((record) => isClosed(record.status)),
  );
  for (const fleetId of new Set(ended.map(({ record }) => record.fleetId))) {
    await stopWhenDecided(context.store, await context.layout(fleetId));
  }
}
