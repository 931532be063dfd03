import type { CloudClient, RecordedMachines } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { hastenNetworks } from '../../platform/governor/network-quota.ts';
import {
  claimNetwork,
  closeNetwork,
  type NetworkKind,
  recordNetwork,
} from '../../platform/store/networks.ts';
import { claimShared, closeShared, recordShared } from '../../platform/store/shared-networks.ts';
import { isShared, type SiteResource } from '../../platform/store/site-networks.ts';
import { afterFailure, isDue, type StuckItem } from '../../platform/store/stuck.ts';
import {
  claimMsOf,
  type OpenConnection,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { RemovalScope } from '../../platform/workflow/messages.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { recordedMachines, recordedMachinesOfAll } from './recorded-machines.ts';

/**
 * Maximum time that a call waits for its permit, in ms. If no permit comes in this time, the message is sent
 * again with a delay.
 */
const PERMIT_WAIT_MS = 2_000;
const RETRY_MS = 3_000;
const SHORTEST_MS = 1_000;
/**
 * Maximum delay of the message while the next try is not due, in ms. The worker then only reads the records, to see
 * whether a user has asked for the removal again.
 */
const LOOK_MS = 10_000;

/**
 * Result of one attempt to remove a resource: `gone` after the record was closed, or the delay before the
 * next attempt.
 */
export type Removal = 'gone' | { waitMs: number };

export interface RemovalRequest {
  scope: RemovalScope;
  /** Time at which a user last asked for the removal. */
  askedAtMs: number | undefined;
}

/**
 * Makes one attempt to remove a network resource, and closes its record if the resource no longer exists. If the
 * attempt fails, the record keeps the error and the time of the next attempt.
 */
export async function removeResource(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  item: SiteResource,
  { scope, askedAtMs }: RemovalRequest,
): Promise<Removal> {
  const nowMs = context.store.clock.now();
  // The failed tries of a record in another status are tries to create the resource.
  const stuck = item.status === 'Deleting' ? item.stuck : undefined;
  if (!isDue(stuck, nowMs, askedAtMs)) return { waitMs: lookIn(stuck?.nextTryAtMs, nowMs) };
  if (item.claimUntilMs > nowMs) return { waitMs: Math.min(item.claimUntilMs - nowMs, RETRY_MS) };
  const claimed = { ...item, claimUntilMs: nowMs + claimMsOf(context) };
  if (!(await claim(context, item, claimed.claimUntilMs, scope))) return { waitMs: RETRY_MS };
  try {
    const client = opened.onTerms({ waitMs: PERMIT_WAIT_MS });
    const backendId = item.backendId ?? (await findBackendId(client, site, item));
    if (backendId !== undefined)
      await deleteAt(client, site, item.kind, backendId, machinesIn(context, item));
    await close(context, item);
    await hastenNetworks(context.store, site);
    return 'gone';
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NotFound') {
      await close(context, item);
      await hastenNetworks(context.store, site);
      return 'gone';
    }
    if (error.code === 'NoPermit') {
      await record(context, claimed, {});
      return { waitMs: error.retryAfterMs ?? RETRY_MS };
    }
    context.log.warn('a network resource could not be removed', {
      name: item.name,
      code: error.code,
      message: error.message,
    });
    if (error.code === 'Throttled') {
      await record(context, claimed, {});
      return { waitMs: error.retryAfterMs ?? RETRY_MS };
    }
    const failed = afterFailure(stuck, error, context.store, error.retryAfterMs);
    await record(context, claimed, { stuck: failed });
    if (error.code === 'Unauthorized') await markRefused(context, opened.connection, error);
    return { waitMs: lookIn(failed.nextTryAtMs, context.store.clock.now()) };
  }
}

async function claim(
  { store }: WorkerContext,
  item: SiteResource,
  untilMs: number,
  scope: RemovalScope,
): Promise<boolean> {
  if (isShared(item)) return await claimShared(store, item, untilMs);
  return await claimNetwork(store, item, 'Deleting', untilMs, scope === 'failed');
}

async function record(
  { store }: WorkerContext,
  item: SiteResource,
  fields: { stuck?: StuckItem },
): Promise<void> {
  if (isShared(item)) await recordShared(store, item, fields);
  else await recordNetwork(store, item, fields);
}

async function close({ store }: WorkerContext, item: SiteResource): Promise<void> {
  if (isShared(item)) await closeShared(store, item);
  else await closeNetwork(store, item);
}

const machinesIn = (context: WorkerContext, item: SiteResource): RecordedMachines =>
  isShared(item) ? recordedMachinesOfAll(context) : recordedMachines(context, item.fleetId);

/** Returns the delay of the message until the next look at the record, in ms. */
const lookIn = (nextTryAtMs = 0, nowMs: number): number =>
  Math.min(LOOK_MS, Math.max(SHORTEST_MS, nextTryAtMs - nowMs));

/**
 * Looks up the backend id of a network resource by the resource's name. A record lacks the backend id if the
 * worker that created the resource died or lost the reply.
 */
async function findBackendId(
  client: CloudClient,
  { location }: SiteRef,
  { kind, name }: SiteResource,
): Promise<string | undefined> {
  return await client.findNetworkResource(location, kind, name);
}

async function deleteAt(
  client: CloudClient,
  { location }: SiteRef,
  kind: NetworkKind,
  backendId: string,
  machines: RecordedMachines,
): Promise<void> {
  switch (kind) {
    case 'network':
      return await client.deleteNetwork(location, backendId, machines);
    case 'security-group':
      return await client.deleteSecurityGroup(location, backendId);
    case 'key-pair':
      return await client.deleteKeyPair(location, backendId);
  }
}
