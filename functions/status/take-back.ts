import type { CloudInstance } from '../drivers/driver.ts';
import { reviewFleet } from '../fleets/review-fleet.ts';
import { applyChanges } from '../instances/finish.ts';
import { type InstanceRef, parseInstanceId } from '../model/identifiers.ts';
import { noteReturned } from '../orphans/missing.ts';
import { isBoundTo, proofTerms, proveMachine } from '../ownership/prove-machine.ts';
import { mayReturn, returnOf } from '../ownership/returning.ts';
import { type InstanceItem, readInstances } from '../store/instances.ts';
import type { StatusChange } from '../store/transition.ts';
import type { OpenConnection, PlaceRef, WorkerContext } from '../worker/context.ts';
import { startLooking } from './start-looking.ts';

/** A machine that vanished and shows up again, and the record that was closed for that. */
export interface Returning {
  record: InstanceItem;
  machine: CloudInstance;
}

/**
 * What became of one: `taken`: its record follows it again. `ended`: its fleet has ended, so that it is to go. `left`:
 * nothing is certain yet.
 */
export type Returned = 'taken' | 'ended' | 'left';

/**
 * Takes machines back that vanished and show up again: their records follow them as before, unless their end was asked
 * for meanwhile, which is a condition of the write.
 *
 * @returns by instance id
 */
export async function takeBack(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  returning: readonly Returning[],
): Promise<Map<string, Returned>> {
  const outcomes = new Map<string, Returned>();
  const nowMs = context.store.clock.now();
  const taken: InstanceItem[] = [];
  const byFleet = Map.groupBy(returning, ({ record }) => record.fleetId);
  for (const ofFleet of byFleet.values()) {
    const changes = ofFleet.flatMap(({ record, machine }): StatusChange[] => {
      outcomes.set(record.instanceId, 'left');
      const change = returnOf(record, machine, nowMs);
      return change ? [{ kind: 'change', record, reopens: true, ...change }] : [];
    });
    const { applied, gateClosed } = await applyChanges(context, place, changes);
    for (const { record } of changes) {
      if (applied.includes(record.instanceId)) outcomes.set(record.instanceId, 'taken');
      else if (gateClosed) outcomes.set(record.instanceId, 'ended');
    }
    taken.push(...changes.flatMap(({ record }) => (applied.includes(record.instanceId) ? [record] : [])));
  }
  if (taken.length === 0) return outcomes;
  for (const { instanceId } of taken) context.log.info('a machine that vanished is back', { instanceId });
  await noteReturned(
    context,
    place,
    opened,
    returning.filter(({ record }) => outcomes.get(record.instanceId) === 'taken'),
  );
  await startLooking(context, place);
  for (const fleetId of new Set(taken.map((record) => record.fleetId))) {
    await reviewFleet(context.store, await context.layout(fleetId));
  }
  return outcomes;
}

/** Takes back what vanished among machines that no entry of the place's index speaks of. */
export async function takeBackUnclaimed(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  machines: readonly CloudInstance[],
  seenAtMs: number,
): Promise<void> {
  const refs = machines
    .map(({ instanceId }) => parseInstanceId(instanceId ?? ''))
    .filter((ref): ref is InstanceRef => ref !== undefined);
  if (refs.length === 0) return;
  const records = await readInstances(context.store, refs);
  const terms = proofTerms(context.driver, opened.client);
  const returning = machines.flatMap((machine): Returning[] => {
    const record = records.get(machine.instanceId ?? '');
    if (!record || !mayReturn(record, machine)) return [];
    const shown = { machine, location: place.location, atMs: seenAtMs };
    // A list may still show what was seen to be gone: where it was asked before, it tells nothing.
    const isNews = seenAtMs > Date.parse(record.terminatedAt ?? '') + context.driver.consistencyWindowMs;
    const isOurs = isBoundTo(record, shown, terms) || proveMachine(shown, record, terms) === 'proven';
    return isNews && isOurs ? [{ record, machine }] : [];
  });
  if (returning.length > 0) await takeBack(context, place, opened, returning);
}
