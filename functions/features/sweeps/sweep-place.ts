import { DriverError } from '../../drivers/contract/errors.ts';
import type { Connection } from '../../model/connection.ts';
import { parseConnectionKey } from '../../model/identifiers.ts';
import { readConnection } from '../../platform/store/connections.ts';
import { writeSweepPlace } from '../../platform/store/sweeps.ts';
import { type Disposition, DONE, type WorkerContext, waitFor } from '../../platform/worker/context.ts';
import type { SweepMessage } from '../../platform/workflow/messages.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { actionOf } from './decide.ts';
import { listPlace } from './list-place.ts';
import { type Found, PlaceSweep } from './place-sweep.ts';

/** What was removed is looked after this long later, so many times; then with the next sweep. */
const ROUND_MS = 30_000;
const MAX_ROUNDS = 10;
const FINDINGS_PER_PLACE = 100;

/**
 * Compares what a cloud shows of this deployment at a place with the records: what nothing claims is quarantined and,
 * after the grace period, removed or reported; what is missing is looked for. May run twice, at once, and be cut short
 * anywhere: each finding is moved on under its version, and asked for again until a list no longer shows it.
 */
export async function sweepPlace(context: WorkerContext, message: SweepMessage): Promise<Disposition> {
  const { connectionKey, location, dryRun } = message;
  const place = { connectionKey, location };
  let connection: Connection | undefined;
  try {
    const opened = await context.open(connectionKey);
    connection = opened.connection;
    const list = await listPlace(context, place, opened);
    const { findings, isRemoving } = await new PlaceSweep(context, place, opened, dryRun).run(list);
    await report(context, message, { findings });
    if (isRemoving && message.round < MAX_ROUNDS) {
      await context.send({ ...message, round: message.round + 1 }, ROUND_MS);
    }
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    const failure = { code: error.code, message: error.message };
    if (error.code === 'Throttled' || error.code === 'NoPermit') return waitFor(error.retryAfterMs ?? 2_000);
    if (error.code === 'Unauthorized' && !dryRun) {
      const { namespace, name } = parseConnectionKey(connectionKey);
      const refused = connection ?? (await readConnection(context.store, namespace, name));
      if (refused) await markRefused(context, refused, failure);
    }
    context.log.warn('a place was not swept', { ...place, ...failure });
    await report(context, message, { findings: [], failure });
  }
  return DONE;
}

async function report(
  context: WorkerContext,
  { sweepId, connectionKey, location }: SweepMessage,
  { findings, failure }: { findings: Found[]; failure?: { code: string; message: string } },
): Promise<void> {
  if (sweepId === undefined) return;
  await writeSweepPlace(context.store, sweepId, {
    connection: parseConnectionKey(connectionKey).name,
    location,
    findings: findings.slice(0, FINDINGS_PER_PLACE).map(({ item, isNew }) => ({
      location,
      kind: item.kind,
      backendId: item.backendId,
      ...(item.name === undefined ? {} : { name: item.name }),
      ...(item.instanceId === undefined ? {} : { instanceId: item.instanceId }),
      reason: item.reason,
      state: item.state,
      action: actionOf(item.state, isNew),
    })),
    leftOut: Math.max(0, findings.length - FINDINGS_PER_PLACE),
    ...(failure === undefined ? {} : { failure }),
  });
}
