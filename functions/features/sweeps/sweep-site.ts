import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { writeSweepSite } from '../../platform/store/sweeps.ts';
import { ACK, type MessageResult, requeueAfter, type WorkerContext } from '../../platform/worker/context.ts';
import type { SweepMessage } from '../../platform/workflow/messages.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { doubtMissing } from '../networks/doubt-missing.ts';
import { chaseUnused } from '../networks/remove-unused.ts';
import { actionOf } from './finding-state.ts';
import { listSite } from './list-site.ts';
import { type Found, SiteSweep } from './site-sweep.ts';

/**
 * Interval in ms at which a sweep with removals is repeated, up to MAX_ROUNDS times. The next sweep of the
 * site continues with removals that are then left.
 */
const ROUND_MS = 30_000;
const MAX_ROUNDS = 10;
const FINDINGS_PER_SITE = 100;

/**
 * Compares what a cloud shows of this deployment at a site with the records. A machine or network resource
 * that no record claims is quarantined and, after the grace period, removed or reported. For a missing
 * machine, the sweep writes a finding and starts the poll loop.
 *
 * Calls may be repeated, run concurrently and be interrupted at any line: each write of a finding is
 * conditional on the finding's version, and sweeps repeat a removal call until a list no longer shows the
 * machine.
 */
export async function sweepSite(context: WorkerContext, message: SweepMessage): Promise<MessageResult> {
  const { connectionKey, location, dryRun } = message;
  const site = { connectionKey, location };
  let connection: Connection | undefined;
  try {
    const opened = await context.open(connectionKey);
    connection = opened.connection;
    const list = await listSite(context, site, opened);
    const { findings, isRemoving } = await new SiteSweep(context, site, opened, dryRun).run(list);
    await report(context, message, { findings });
    if (!dryRun) {
      await doubtMissing(context, site, list.resources, list.atMs);
      await chaseUnused(context, site);
    }
    if (isRemoving && message.round < MAX_ROUNDS) {
      await context.send({ ...message, round: message.round + 1 }, ROUND_MS);
    }
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const failure = { code: error.code, message: error.message };
    if (error.code === 'Throttled' || error.code === 'NoPermit')
      return requeueAfter(error.retryAfterMs ?? 2_000);
    if (error.code === 'Unauthorized' && !dryRun) {
      const ref = parseConnectionKey(connectionKey);
      const refused = connection ?? (await readConnectionOf(context.store, ref));
      if (refused) await markRefused(context, refused, failure);
    }
    context.log.warn('a site could not be swept', { ...site, ...failure });
    await report(context, message, { findings: [], failure });
  }
  return ACK;
}

async function report(
  context: WorkerContext,
  { sweepId, connectionKey, location }: SweepMessage,
  { findings, failure }: { findings: Found[]; failure?: { code: string; message: string } },
): Promise<void> {
  if (sweepId === undefined) return;
  await writeSweepSite(context.store, sweepId, {
    connection: parseConnectionKey(connectionKey).name,
    location,
    findings: findings.slice(0, FINDINGS_PER_SITE).map(({ item, isNew }) => ({
      location,
      kind: item.kind,
      backendId: item.backendId,
      ...(item.name === undefined ? {} : { name: item.name }),
      ...(item.instanceId === undefined ? {} : { instanceId: item.instanceId }),
      reason: item.reason,
      state: item.state,
      action: actionOf(item.state, isNew),
    })),
    leftOut: Math.max(0, findings.length - FINDINGS_PER_SITE),
    ...(failure === undefined ? {} : { failure }),
  });
}
