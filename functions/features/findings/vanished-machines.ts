import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { isClosedOrphan } from '../../model/orphan.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { type OrphanItem, readSiteOrphans } from '../../platform/store/orphans.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { newFinding, recordFinding } from './findings.ts';

/**
 * Writes findings about machines that the cloud no longer has although records are bound to them. After that,
 * the caller writes to the records that their machines have vanished. If the worker crashes in between, the
 * next sweep reports the outcome.
 *
 * @returns the open findings about these machines, including new findings, by instance id
 */
export async function noteMissing(
  context: WorkerContext,
  site: SiteRef,
  { connection }: OpenConnection,
  records: readonly InstanceItem[],
): Promise<Map<string, OrphanItem>> {
  const noted = new Map<string, OrphanItem>();
  if (records.length === 0) return noted;
  const { connectionKey, location } = site;
  const items = await readSiteOrphans(context.store, connectionKey, location);
  for (const { backendId, instanceId, launchToken, fleetId } of records) {
    if (backendId === undefined) continue;
    const known = items.find((item) => item.reason === 'missing' && item.backendId === backendId);
    const subject = { kind: 'instance' as const, backendId, instanceId, launchToken, fleetId };
    const finding =
      known && !isClosedOrphan(known.state)
        ? known
        : await recordFinding(
            context,
            newFinding(connection, site, subject, {
              reason: 'missing',
              state: 'Missing',
              nowMs: context.store.clock.now(),
            }),
            known,
          );
    if (finding) noted.set(instanceId, finding);
  }
  return noted;
}

/**
 * Writes findings about machines that had vanished and exist again. The caller has already reopened their
 * records.
 */
export async function noteReturned(
  context: WorkerContext,
  { connectionKey, location }: SiteRef,
  { connection }: OpenConnection,
  returned: readonly { record: InstanceItem; machine: CloudInstance }[],
): Promise<void> {
  const items = await readSiteOrphans(context.store, connectionKey, location);
  for (const { record, machine } of returned) {
    const { instanceId, fleetId } = record;
    const { backendId, launchToken = record.launchToken } = machine;
    const known = items.find((item) => item.reason === 'missing' && item.backendId === backendId);
    const nowMs = context.store.clock.now();
    const next = known
      ? { ...known, state: 'Returned' as const, stateSince: isoTime(nowMs) }
      : newFinding(
          connection,
          { connectionKey, location },
          { kind: 'instance', backendId, instanceId, launchToken, fleetId },
          { reason: 'missing', state: 'Returned', nowMs },
        );
    await recordFinding(context, next, known);
  }
}

/**
 * Changes findings to Vanished: the machine no longer exists, and Fleetwright did not remove it. The caller
 * has already written to the records that the machines have vanished.
 */
export async function noteVanished(context: WorkerContext, findings: Iterable<OrphanItem>): Promise<void> {
  for (const finding of findings) {
    const stateSince = isoTime(context.store.clock.now());
    await recordFinding(context, { ...finding, state: 'Vanished', stateSince }, finding);
  }
}
