import type { Actor } from '../../model/actor.ts';
import type { AuditEntry } from '../../model/audit-entry.ts';
import type { Connection } from '../../model/connection.ts';
import type { OrphanState } from '../../model/orphan.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { appendAudit, idOfAct } from '../../platform/store/append-audit.ts';
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
 * Announces the state of a finding: appends an entry to the audit log, sends an event and logs a metric. If one of these
 * steps fails, each later sweep announces the state again, until `announced` in the finding's record equals
 * the state. A repetition writes no second entry, but may send the event and log the metric a second time.
 */
export async function announce(context: WorkerContext, item: OrphanItem): Promise<OrphanItem> {
  if (item.announced === item.state) return item;
  const type = TYPES[item.state];
  const { version: _, announced: _told, ...detail } = item;
  try {
    const { stateSince: at } = item;
    await appendAudit(context.store, entryOf(item, type));
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

/** Returns the type of the entry about an event: `Orphan Found` is `orphan.found`. */
export const auditTypeOf = (eventType: string): string => eventType.toLowerCase().replace(' ', '.');

/** What sweeps find has happened by their own work, or at the cloud. */
const FOUND_AT_CLOUD: ReadonlySet<OrphanState> = new Set(['Gone', 'Vanished', 'Returned']);

function entryOf(item: OrphanItem, type: string): AuditEntry {
  const { namespace, connectionKey, connection, cloud, location, kind, backendId, state, reason } = item;
  const { name, instanceId, fleetId, stateSince: at } = item;
  const actor: Actor = FOUND_AT_CLOUD.has(state)
    ? { kind: 'cloud', name: cloud }
    : { kind: 'sweep', name: connection };
  const isInstance = type.startsWith('Instance');
  return {
    at,
    id: idOfAct(connectionKey, location, kind, backendId, state),
    type: auditTypeOf(type),
    namespace,
    actor,
    target: isInstance
      ? { kind: 'instance', ...(instanceId === undefined ? {} : { id: instanceId }) }
      : { kind: 'orphan', id: backendId, ...(name === undefined ? {} : { name }) },
    result: 'succeeded',
    data: {
      connection,
      location,
      kind,
      reason,
      ...(isInstance ? { backendId } : instanceId === undefined ? {} : { instanceId }),
      ...(fleetId === undefined ? {} : { fleetId }),
    },
  };
}
