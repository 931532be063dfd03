import pLimit from 'p-limit';
import { readFleetItem } from '../../platform/store/fleets.ts';
import { type NetworkItem, readNetworks } from '../../platform/store/networks.ts';
import { liveGroups, readPlacement } from '../../platform/store/placements.ts';
import {
  ACK,
  type MessageResult,
  requeueWhileAwaited,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import type { RemoveNetworksMessage } from '../../platform/workflow/messages.ts';
import { leaveNetworks } from './leave.ts';
import { removeResource } from './remove-resource.ts';
import { removeUnused, unusedLater } from './remove-unused.ts';

const CONCURRENT_DELETIONS = 10;
/** Delay of the message while an instance of the fleet may exist, in ms. */
const OCCUPIED_MS = 10_000;

/**
 * Removes a fleet's network resources at a site. The workflow sends one message for each of the two rounds of
 * a removal. The first round removes key pairs and security groups, and the second round removes the network.
 * A record is closed only when the cloud confirms that the resource no longer exists. Completes the task when
 * this round has nothing left to remove. The message ends, too, when no step waits for its task any more: another try
 * of the step has a message of its own.
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
      together.map((item) => limit(() => removeResource(context, site, opened, item, { scope, askedAtMs }))),
    );
    const waits = removals.flatMap((one) => (one === 'gone' ? [] : [one.waitMs]));
    if (waits.length > 0) return await requeueWhileAwaited(context, taskToken, Math.max(...waits));
  }
  const waitMs = await leaveShared(context, message);
  if (waitMs !== undefined) return await requeueWhileAwaited(context, taskToken, waitMs);
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
 * Ends the fleet's use of shared resources. What no fleet uses any more is removed after the grace period of the
 * deployment. Without a grace period, it is removed now, so that nothing is left when the fleet is gone: then the first
 * round leaves and removes security groups, as it does with those of the fleet alone.
 *
 * @returns the delay of the message, in ms, if something is left to do in this round
 */
async function leaveShared(
  context: WorkerContext,
  message: RemoveNetworksMessage,
): Promise<number | undefined> {
  const { connectionKey, location, round, fleetId } = message;
  const site = { connectionKey, location };
  const { graceMs } = context.sharedNetworks;
  if (round === 'access' && graceMs > 0) return undefined;
  const what = round === 'access' ? 'access' : 'all';
  if ((await leaveNetworks(context, message, what)) === 'occupied') return OCCUPIED_MS;
  if (graceMs > 0) return void (await unusedLater(context, site));
  const askedAtMs = (await readFleetItem(context.store, fleetId))?.removalAskedAtMs;
  return (await removeUnused(context, site, { graceMs, what, askedAtMs })).waitMs;
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
