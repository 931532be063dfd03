import type { DriverError } from '../../drivers/contract/errors.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import { samePlace } from '../../platform/placement/lay-out.ts';
import { readInstances, readPlaceEntries } from '../../platform/store/instances.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { PlaceRef, WorkerContext } from '../../platform/worker/context.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { applyChanges, handOff, withPresentTokens } from '../instances/finish.ts';

/**
 * What a look does when the cloud does not answer: instances that were to run by now have failed, whatever the cloud
 * may say of them later. They are Terminating until it is seen that they are gone.
 *
 * @param error why the cloud's machines could not be listed; a refused credential is why nobody can say how they are
 */
export async function endOverdue(context: WorkerContext, place: PlaceRef, error: DriverError): Promise<void> {
  const { store } = context;
  const entries = await readPlaceEntries(store, place.connectionKey, place.location);
  const refs = entries.flatMap(({ placeSk, status }) => {
    const ref = status === 'Creating' ? parseInstanceId(placeSk) : undefined;
    return ref ? [ref] : [];
  });
  const failure =
    error.code === 'Unauthorized'
      ? { code: error.code, message: error.message }
      : { code: 'Timeout', message: 'not seen running within the time allowed for an instance' };
  const records = await readInstances(store, refs);
  const changes = [...records.values()].flatMap((record): StatusChange[] => {
    const overdue =
      samePlace(record, place) &&
      record.status === 'Creating' &&
      record.launchState === 'accepted' &&
      record.deadlineAtMs <= store.clock.now();
    return overdue
      ? [{ kind: 'change', record, to: 'Terminating', fields: { closeAs: 'Failed', failure } }]
      : [];
  });
  const { applied } = await applyChanges(context, place, changes);
  const ended = changes.flatMap(({ record, fields }) =>
    applied.includes(record.instanceId) ? [{ ...record, ...fields, status: 'Terminating' as const }] : [],
  );
  await handOff(context, place, await withPresentTokens(context, ended));
  for (const fleetId of new Set(changes.map(({ record }) => record.fleetId))) {
    await stopWhenDecided(store, await context.layout(fleetId));
  }
}
