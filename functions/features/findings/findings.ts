import type { Connection } from '../../model/connection.ts';
import type { OrphanState } from '../../model/orphan.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { writeAudit } from '../../platform/store/audit.ts';
import { type OrphanItem, writeOrphan } from '../../platform/store/orphans.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { metricOf } from './metric.ts';

/** The machine or network resource that a finding is about. */
export type Subject = Pick<OrphanItem, 'kind' | 'backendId'> &
  Partial<Pick<OrphanItem, 'name' | 'instanceId' | 'launchToken' | 'fleetId'>>;

/** Event types by the state of the finding. An event type without its spaces is the name of the metric. */
const TYPES: Readonly<Record<OrphanState, string>> = {
  Quarantined: 'Orphan Found',
  Reported: 'Orphan Reported',
  Terminating: 'Orphan Terminating',
  Terminated: 'Orphan Terminated',
  Gone: 'Orphan Gone',
  Released: 'Orphan Released',
  Missing: 'Instance Missing',
  Vanished: 'Instance Vanished',
  Returned: 'Instance Returned',
};

export function newFinding(
  connection: Connection,
  { connectionKey, location }: SiteRef,
  subject: Subject,
  { reason, state, nowMs }: Pick<OrphanItem, 'reason' | 'state'> & { nowMs: number },
): Omit<OrphanItem, 'version'> {
  const at = isoTime(nowMs);
  const { namespace, name, cloud } = connection;
  return {
    ...subject,
    connectionKey,
    namespace,
    connection: name,
    cloud,
    location,
    reason,
    state,
    firstSeenAt: at,
    stateSince: at,
  };
}

/**
 * Writes the new state of a finding, then announces the state.
 *
 * @returns the changed finding; undefined if another worker has changed it first
 */
export async function recordFinding(
  context: WorkerContext,
  next: Omit<OrphanItem, 'version'>,
  previous: OrphanItem | undefined,
): Promise<OrphanItem | undefined> {
  const written = await writeOrphan(context.store, next, previous);
  return written && (await announce(context, written));
}

/**
 * Announces the state of a finding: writes an audit row, sends an event and logs a metric. If one of these
 * steps fails, each later sweep announces the state again, until `announced` in the finding's record equals
 * the state. A repetition writes the same audit row, but may send the event and log the metric a second time.
 */
export async function announce(context: WorkerContext, item: OrphanItem): Promise<OrphanItem> {
  if (item.announced === item.state) return item;
  const type = TYPES[item.state];
  const { version: _, announced: _told, ...detail } = item;
  try {
    const id = `${item.kind}#${item.location}#${item.backendId}#${item.state}`;
    const { namespace, stateSince: at } = item;
    await writeAudit(context.store, { namespace, at, id, type, detail });
    await context.publish([{ type, at, detail }]);
    context.log.info(type, { ...metricOf(type, context.store.clock.now()), finding: detail });
    return (await writeOrphan(context.store, { ...item, announced: item.state }, item)) ?? item;
  } catch (error) {
    context.log.warn('the event of a finding could not be sent', {
      backendId: item.backendId,
      state: item.state,
      error,
    });
    return item;
  }
}
