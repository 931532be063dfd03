import type { DriverError } from '../../drivers/contract/errors.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { readInstances, readSiteEntries } from '../../platform/store/instances.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { applyChanges, freeSlotsOf } from '../instances/outcomes.ts';

/**
 * Fails instances whose deadline has passed while the list call fails. Such an instance fails even if the
 * cloud shows it running later. Its record stays in Terminating until a poll sees that the machine no longer
 * exists.
 *
 * @param error error of the list call; if the cloud refused the credential or denied the call, the instances fail with
 *   this error
 */
export async function endOverdue(context: WorkerContext, site: SiteRef, error: DriverError): Promise<void> {
  const { store } = context;
  const entries = await readSiteEntries(store, site.connectionKey, site.location);
  const refs = entries.flatMap(({ siteSk, status }) => {
    const ref = status === 'Creating' ? parseInstanceId(siteSk) : undefined;
    return ref ? [ref] : [];
  });
  const failure =
    error.code === 'Unauthorized' || error.code === 'Forbidden'
      ? { code: error.code, message: error.message }
      : { code: 'Timeout', message: 'the instance was not seen running within its time limit' };
  const records = await readInstances(store, refs);
  const changes = [...records.values()].flatMap((record): StatusChange[] => {
    const overdue =
      sameSite(record, site) &&
      record.status === 'Creating' &&
      record.launchState === 'accepted' &&
      record.deadlineAtMs <= store.clock.now();
    return overdue
      ? [{ kind: 'change', record, to: 'Terminating', fields: { closeAs: 'Failed', failure } }]
      : [];
  });
  const { applied } = await applyChanges(context, changes);
  const ended = changes.flatMap(({ record, fields }) =>
    applied.includes(record.instanceId) ? [{ ...record, ...fields, status: 'Terminating' as const }] : [],
  );
  await freeSlotsOf(context, ended);
  for (const fleetId of new Set(changes.map(({ record }) => record.fleetId))) {
    await stopWhenDecided(store, await context.layout(fleetId));
  }
}
