import { type DriverError, failureOf } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import { DEFAULT_INSTANCE_TIMEOUT_SECONDS } from '../../model/fleet-request.ts';
import { askForNetwork, closeNetworks, type NetworkSeeker } from '../../platform/governor/network-quota.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { readPlacement } from '../../platform/store/placements.ts';
import type { StuckItem } from '../../platform/store/stuck.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';

/**
 * Maximum delay of the message of a fleet that waits, in ms. The worker then only reads what the governor knows, to see
 * whether the quota has room again.
 */
const LOOK_MS = 10_000;
const SHORTEST_MS = 1_000;

/** A fleet that needs a resource, and where it is recorded that the fleet waits. */
export interface QuotaSeat {
  fleetId: string;
  /** Time at which the fleet began to wait; 0: it does not wait. */
  failingSinceMs: number;
  stuck?: StuckItem | undefined;
  record(fields: { failingSinceMs: number; stuck?: StuckItem }): Promise<unknown>;
}

/** A fleet waits for the quota, or has waited until its time limit. */
export type Short = { waitMs: number; short: Failure } | { failure: Failure };

/**
 * Checks whether a quota of network resources at the site is known to be used up. If so, writes to the record what the
 * fleet waits for, and makes no call.
 *
 * @returns undefined if the cloud may be asked
 */
export async function awaitQuota(
  context: WorkerContext,
  site: SiteRef,
  seat: QuotaSeat,
): Promise<Short | undefined> {
  const seeker = await seekerOf(context, site, seat);
  const answer = await askForNetwork(context.store, site, seeker);
  if (answer === 'ask') return undefined;
  const { message, sinceMs, nextTryAtMs } = answer;
  return await wait(context, site, seat, { code: 'QuotaExceeded', message, sinceMs, nextTryAtMs });
}

/** Records that a quota refused a network resource. The fleet waits until its time limit. */
export async function afterQuota(
  context: WorkerContext,
  site: SiteRef,
  seat: QuotaSeat,
  error: DriverError,
): Promise<Short> {
  const { code, message } = failureOf(error);
  const seeker = await seekerOf(context, site, seat);
  const nextTryAtMs = await closeNetworks(context.store, site, seeker, message);
  // `connection limits` shows only locations with a poll loop.
  await startPolling(context, site);
  const tries = (seat.stuck?.tries ?? 0) + 1;
  return await wait(context, site, seat, { code, message, nextTryAtMs, tries });
}

async function seekerOf(
  { store }: WorkerContext,
  { connectionKey, location }: SiteRef,
  { fleetId }: QuotaSeat,
): Promise<NetworkSeeker> {
  const placement = await readPlacement(store, fleetId, connectionKey, location);
  return { fleetId, round: placement?.round ?? 1 };
}

async function wait(
  context: WorkerContext,
  site: SiteRef,
  seat: QuotaSeat,
  { code, message, ...times }: Failure & Partial<StuckItem> & { nextTryAtMs: number },
): Promise<Short> {
  const nowMs = context.store.clock.now();
  const failingSinceMs = seat.failingSinceMs || nowMs;
  const failure = { code, message };
  if (nowMs >= failingSinceMs + (await timeLimitMs(context, site, seat))) {
    await seat.record({ failingSinceMs: 0 });
    return { failure };
  }
  const stuck: StuckItem = {
    ...failure,
    sinceMs: seat.stuck?.sinceMs ?? failingSinceMs,
    tries: times.tries ?? seat.stuck?.tries ?? 1,
    triedAtMs: times.tries === undefined ? (seat.stuck?.triedAtMs ?? times.sinceMs ?? nowMs) : nowMs,
    nextTryAtMs: times.nextTryAtMs,
  };
  await seat.record({ failingSinceMs, stuck });
  const waitMs = Math.min(LOOK_MS, Math.max(SHORTEST_MS, times.nextTryAtMs - nowMs));
  return { waitMs, short: failure };
}

/** Returns the longest time limit of the instances that the fleet launches at the site, in ms. */
export async function timeLimitMs(
  context: WorkerContext,
  site: SiteRef,
  { fleetId }: Pick<QuotaSeat, 'fleetId'>,
): Promise<number> {
  const { placements } = await context.layout(fleetId);
  const ranges = placements.find((one) => sameSite(one, site))?.ranges ?? [];
  const limits = ranges.map(({ group }) => group.instanceTimeoutSeconds ?? DEFAULT_INSTANCE_TIMEOUT_SECONDS);
  return Math.max(0, ...limits) * 1_000;
}

/**
 * Returns true if an instance of the fleet at the site may be launched in another location, where launching is on and
 * nothing is known to stop it.
 */
export async function mayAnyLeave(context: WorkerContext, fleetId: string, site: SiteRef): Promise<boolean> {
  const { placements } = await context.layout(fleetId);
  const here = placements.find((one) => sameSite(one, site));
  const others = new Set((here?.ranges ?? []).flatMap(({ group }) => group.locations));
  others.delete(site.location);
  for (const location of others) if (await isOpen(context, fleetId, site, location)) return true;
  return false;
}

/** Returns true if the fleet launches at another location of the connection, and its network can be made there. */
export async function isOpen(
  { store }: WorkerContext,
  fleetId: string,
  { connectionKey }: Pick<SiteRef, 'connectionKey'>,
  location: string,
): Promise<boolean> {
  const placement = await readPlacement(store, fleetId, connectionKey, location);
  return placement?.launching === 'on' && placement.blocked === undefined;
}
