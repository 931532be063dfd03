import pLimit from 'p-limit';
import type { CloudClient, RecordedMachines } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { hastenNetworks } from '../../platform/governor/network-quota.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import {
  claimNetwork,
  closeNetwork,
  type NetworkItem,
  readNetworks,
  recordNetwork,
} from '../../platform/store/networks.ts';
import { liveGroups, readPlacement } from '../../platform/store/placements.ts';
import { afterFailure, isDue } from '../../platform/store/stuck.ts';
import {
  ACK,
  claimMsOf,
  type MessageResult,
  type OpenConnection,
  requeueAfter,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { RemovalScope, RemoveNetworksMessage } from '../../platform/workflow/messages.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { recordedMachines } from './recorded-machines.ts';

/**
 * Maximum time that a call waits for its permit, in ms. If no permit comes in this time, the message is sent
 * again with a delay.
 */
const PERMIT_WAIT_MS = 2_000;
const CONCURRENT_DELETIONS = 10;
const RETRY_MS = 3_000;
const SHORTEST_MS = 1_000;
/**
 * Maximum delay of the message while the next try is not due, in ms. The worker then only reads the records, to see
 * whether a user has asked for the removal again.
 */
const LOOK_MS = 10_000;

/**
 * Removes a fleet's network resources at a site. The workflow sends one message for each of the two rounds of
 * a removal. The first round removes key pairs and security groups, and the second round removes the network.
 * A record is closed only when the cloud confirms that the resource no longer exists. Completes the task when
 * this round has nothing left to remove.
 */
export async function removeNetworks(
  context: WorkerContext,
  message: RemoveNetworksMessage,
): Promise<MessageResult> {
  const { fleetId, taskToken, connectionKey, location, round, scope } = message;
  const site = { connectionKey, location };
  const needed = scope === 'failed' ? await neededHere(context, message) : () => false;
  const standing = await readNetworks(context.store, { fleetId, ...site });
  // The first round may have kept a key pair or a security group for an instance. The second round then keeps
  // the network, even if no instance needs the network any more. The removal of the fleet removes all of
  // these resources.
  const isUsed = scope === 'failed' && standing.some(({ kind }) => kind !== 'network');
  const ofRound = standing.filter(({ kind }) => (kind === 'network') === (round === 'network'));
  const items = round === 'network' && isUsed ? [] : ofRound.filter((item) => !needed(item));
  const opened = items.length > 0 ? await context.open(connectionKey) : undefined;
  const isStuck = items.some(({ status, stuck }) => status === 'Deleting' && stuck !== undefined);
  const askedAtMs = isStuck ? (await readFleetItem(context.store, fleetId))?.removalAskedAtMs : undefined;
  const limit = pLimit(CONCURRENT_DELETIONS);
  for (const together of inOrder(items)) {
    if (!opened) break;
    const removals = await Promise.all(
      together.map((item) => limit(() => remove(context, site, opened, item, { scope, askedAtMs }))),
    );
    const waits = removals.flatMap((one) => (one === 'gone' ? [] : [one.waitMs]));
    if (waits.length > 0) return requeueAfter(Math.max(...waits));
  }
  await context.tasks.succeed(taskToken, { outcome: 'Removed' });
  return ACK;
}

/**
 * Divides resources into parts that are removed one after the other. A cloud refuses to remove a security group while a
 * rule of another one names it as a source.
 */
function inOrder(items: readonly NetworkItem[]): NetworkItem[][] {
  const isSource = ({ nodeGroup }: NetworkItem) => nodeGroup !== undefined;
  return [items.filter((item) => !isSource(item)), items.filter(isSource)];
}

/**
 * Returns a predicate that is true for each resource that the remaining instances need. If launches may begin
 * at the site, all resources are needed.
 */
async function neededHere(
  { store }: WorkerContext,
  { fleetId, connectionKey, location }: RemoveNetworksMessage,
): Promise<(item: NetworkItem) => boolean> {
  const placement = await readPlacement(store, fleetId, connectionKey, location);
  if (!placement || placement.launching === 'on') return () => true;
  const live = liveGroups(placement);
  return ({ neededBy }) => neededBy.some((group) => live.has(group));
}

/**
 * Result of one attempt to remove a resource: `gone` after the record was closed, or the delay before the
 * next attempt.
 */
type Removal = 'gone' | { waitMs: number };

interface Request {
  scope: RemovalScope;
  /** Time at which a user last asked for the removal. */
  askedAtMs: number | undefined;
}

/**
 * Makes one attempt to remove a network resource, and closes its record if the resource no longer exists. If the
 * attempt fails, the record keeps the error and the time of the next attempt.
 */
async function remove(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  item: NetworkItem,
  { scope, askedAtMs }: Request,
): Promise<Removal> {
  const nowMs = context.store.clock.now();
  // The failed tries of a record in another status are tries to create the resource.
  const stuck = item.status === 'Deleting' ? item.stuck : undefined;
  if (!isDue(stuck, nowMs, askedAtMs)) return { waitMs: lookIn(stuck?.nextTryAtMs, nowMs) };
  if (item.claimUntilMs > nowMs) return { waitMs: Math.min(item.claimUntilMs - nowMs, RETRY_MS) };
  const claimed = { ...item, claimUntilMs: nowMs + claimMsOf(context) };
  if (!(await claimNetwork(context.store, item, 'Deleting', claimed.claimUntilMs, scope === 'failed')))
    return { waitMs: RETRY_MS };
  try {
    const client = opened.onTerms({ waitMs: PERMIT_WAIT_MS });
    const backendId = item.backendId ?? (await findBackendId(client, site, item));
    if (backendId !== undefined)
      await deleteAt(client, site, item.kind, backendId, recordedMachines(context, item.fleetId));
    await closeNetwork(context.store, item);
    await hastenNetworks(context.store, site);
    return 'gone';
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NotFound') {
      await closeNetwork(context.store, item);
      await hastenNetworks(context.store, site);
      return 'gone';
    }
    if (error.code === 'NoPermit') {
      await recordNetwork(context.store, claimed, {});
      return { waitMs: error.retryAfterMs ?? RETRY_MS };
    }
    context.log.warn('a network resource could not be removed', {
      name: item.name,
      code: error.code,
      message: error.message,
    });
    if (error.code === 'Throttled') {
      await recordNetwork(context.store, claimed, {});
      return { waitMs: error.retryAfterMs ?? RETRY_MS };
    }
    const failed = afterFailure(stuck, error, context.store, error.retryAfterMs);
    await recordNetwork(context.store, claimed, { stuck: failed });
    if (error.code === 'Unauthorized') await markRefused(context, opened.connection, error);
    return { waitMs: lookIn(failed.nextTryAtMs, context.store.clock.now()) };
  }
}

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
  { kind, name }: NetworkItem,
): Promise<string | undefined> {
  return await client.findNetworkResource(location, kind, name);
}

async function deleteAt(
  client: CloudClient,
  { location }: SiteRef,
  kind: NetworkItem['kind'],
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
