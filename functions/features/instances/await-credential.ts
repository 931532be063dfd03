import type { Failure } from '../../model/failure.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { type PlacementItem, readPlacement } from '../../platform/store/placements.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import { refusalInForce } from '../connections/refusal-in-force.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { waitEndsAtMs } from '../launch-queue/refused-wait.ts';
import { isNextAttempt } from './claim.ts';

/**
 * Delay before a launch that waits for its connection looks at the connection's record again, in ms. The worker makes no
 * call to the cloud.
 */
export const REFUSED_MS = 15_000;

export interface AwaitedCredential {
  ready: readonly Attempt[];
  waiting: (Attempt & { waitMs: number })[];
  /** Attempts whose time limit ended while they waited. */
  failed: (Attempt & { failure: Failure })[];
  /** Attempts that the launch gate stops. */
  stopped: Attempt[];
}

/**
 * Lets attempts wait while the cloud refuses the credential of their connection. They take no permit, no slot and no
 * attempt. The polls of the site find out when the cloud accepts the credential again. An attempt whose time limit is over
 * fails with the cloud's words.
 */
export async function awaitCredential(
  context: WorkerContext,
  site: SiteRef,
  attempts: readonly Attempt[],
): Promise<AwaitedCredential> {
  const parts: AwaitedCredential = { ready: [], waiting: [], failed: [], stopped: [] };
  const refusal = await refusalInForce(context, site.connectionKey);
  if (!refusal) return { ...parts, ready: attempts };
  const nowMs = context.store.clock.now();
  for (const [fleetId, ofFleet] of Map.groupBy(attempts, ({ message }) => message.fleetId)) {
    const placement = await readPlacement(context.store, fleetId, site.connectionKey, site.location);
    if (placement?.launching !== 'on') {
      parts.stopped.push(...ofFleet);
      continue;
    }
    for (const one of ofFleet) {
      const leftMs = (await deadlineMs(context, one, placement, refusal.sinceMs)) - nowMs;
      if (leftMs <= 0) parts.failed.push({ ...one, failure: refusal.failure });
      else parts.waiting.push({ ...one, waitMs: Math.min(REFUSED_MS, leftMs) });
    }
  }
  if (parts.waiting.length > 0) await startPolling(context, site);
  return parts;
}

/** Returns the end of an attempt's time limit, in ms since 1970. */
async function deadlineMs(
  context: WorkerContext,
  { message, record, again }: Attempt,
  placement: Pick<PlacementItem, 'openedAtMs'>,
  refusedMs: number,
): Promise<number> {
  if (record && (again || isNextAttempt(record, message))) return record.deadlineAtMs;
  return await waitEndsAtMs(context, message, placement, refusedMs);
}

/**
 * Decides whether a launch with an unknown outcome waits for its connection: the cloud would refuse the look-up as well.
 * When the instance's time limit is over, the look-up is made.
 */
export async function lookUpWaits(
  context: WorkerContext,
  site: SiteRef,
  { deadlineAtMs }: Pick<InstanceItem, 'deadlineAtMs'>,
): Promise<boolean> {
  if (deadlineAtMs <= context.store.clock.now()) return false;
  if (!(await refusalInForce(context, site.connectionKey))) return false;
  await startPolling(context, site);
  return true;
}
