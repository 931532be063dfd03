import { DriverError, failureOf } from '../../drivers/contract/errors.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import type { PlacementRef } from '../../platform/store/counters.ts';
import { recordWait } from '../../platform/store/memberships.ts';
import { intendNetwork, readNetworks } from '../../platform/store/networks.ts';
import { blockPlacement, readPlacement } from '../../platform/store/placements.ts';
import {
  isShared,
  readSiteNetworks,
  type SiteNetworks,
  type SiteResource,
} from '../../platform/store/site-networks.ts';
import {
  ACK,
  type MessageResult,
  type OpenConnection,
  requeueAfter,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { startPolling } from '../../platform/worker/start-polling.ts';
import { LAUNCH_ABANDONED, type PrepareNetworksMessage } from '../../platform/workflow/messages.ts';
import { refusalInForce } from '../connections/refusal-in-force.ts';
import { mayAnyLeave, timeLimitMs } from './await-quota.ts';
import { doubtResources } from './doubt-resources.ts';
import { type Around, ensureResource, type Need, type Progress } from './ensure-resource.ts';
import { hasGroupSource } from './inbound-rules.ts';
import { joinNetworks } from './join.ts';
import { siteNetwork } from './machine-network.ts';
import { type GivenSite, refusalOf } from './verify-given.ts';
import { isGiven, verifyMachines } from './verify-machines.ts';
import { isVerified, refusalAt } from './verify-site.ts';
import { wantedNetworks } from './wanted.ts';

/** Delay before the message of a fleet that waits for its connection is handled again, in ms. No call is made. */
const REFUSED_MS = 15_000;
/** Time in ms after which a shared resource is made sure of again when a fleet needs it. */
const RECHECK_MS = 3_600_000;

/**
 * `stopped` means that the fleet does not launch at the site now, and nothing may be created. A failure is
 * permanent, and is written to the placement.
 */
export type NetworksAnswer = Progress | 'stopped';

/**
 * Creates the network resources of a fleet at a site. Completes the task if all of them are ready. Fails the
 * task after a permanent failure, or if launching is not on. Otherwise requeues the message.
 *
 * While the cloud refuses the connection's credential, waits until the time limit of the fleet's instances. The task then
 * fails with the cloud's words.
 */
export async function prepareNetworks(
  context: WorkerContext,
  message: PrepareNetworksMessage,
): Promise<MessageResult> {
  const { fleetId, taskToken } = message;
  const refusal = await refusalAt(context, fleetId, message);
  const answer: NetworksAnswer = refusal
    ? { failure: refusal }
    : ((await awaitCredential(context, message)) ?? (await ensureNetworks(context, fleetId, message)));
  if (answer === 'ready') await context.tasks.succeed(taskToken, { outcome: 'Ready' });
  else if (answer === 'stopped')
    await context.tasks.fail(taskToken, LAUNCH_ABANDONED, 'the fleet launches no more instances');
  else if ('waitMs' in answer) {
    // The launches find no network resources. Those that may go to another location do so, and the others wait.
    if (answer.short && (await mayAnyLeave(context, fleetId, message)))
      await context.tasks.succeed(taskToken, { outcome: 'Ready' });
    else return requeueAfter(answer.waitMs);
  } else await context.tasks.fail(taskToken, answer.failure.code, answer.failure.message);
  return ACK;
}

/** @returns undefined if the cloud may be asked */
async function awaitCredential(
  context: WorkerContext,
  { fleetId, connectionKey, location }: PrepareNetworksMessage,
): Promise<NetworksAnswer | undefined> {
  const site = { connectionKey, location };
  const refusal = await refusalInForce(context, connectionKey);
  if (!refusal) return undefined;
  const placement = await readPlacement(context.store, fleetId, connectionKey, location);
  if (placement?.launching !== 'on') return 'stopped';
  const sinceMs = Math.max(refusal.sinceMs, placement.openedAtMs ?? 0);
  const leftMs = sinceMs + (await timeLimitMs(context, site, { fleetId })) - context.store.clock.now();
  if (leftMs <= 0) return { failure: refusal.failure };
  await startPolling(context, site);
  return { waitMs: Math.min(REFUSED_MS, leftMs) };
}

/**
 * Creates the network, the security groups and the key pair of a fleet at a site. Each resource is created
 * once, even if many workers request it. Writes the records before the calls.
 */
export async function ensureNetworks(
  context: WorkerContext,
  fleetId: string,
  { connectionKey, location }: SiteRef,
): Promise<NetworksAnswer> {
  const { store } = context;
  const site = { connectionKey, location };
  const ref = { fleetId, ...site };
  const wanted = await wantedNetworks(context, fleetId, site);
  const refusal = await verifyOnce(context, fleetId, site);
  if (refusal) return await blockOrWait(context, fleetId, site, [refusal]);
  const [joined, recorded, opened] = await Promise.all([
    wanted.shared.length > 0 ? joinNetworks(context, fleetId, site, wanted.shared) : ('joined' as const),
    wanted.own.length > 0 ? readNetworks(store, ref) : [],
    openOrFail(context, site),
  ]);
  if (joined === 'stopped') return 'stopped';
  if (joined !== 'joined') return await blockOrWait(context, fleetId, site, [joined]);
  const known = new Set(recorded.map(({ name }) => name));
  for (const item of wanted.own) {
    if (known.has(item.name)) continue;
    if ((await intendNetwork(store, item)) === 'stopped') return 'stopped';
  }
  if (!('client' in opened)) return await blockOrWait(context, fleetId, site, [opened]);
  const { items, membership } = await readAfterCheck(context, ref);
  const chosen = await siteNetwork(context, fleetId, site);
  const network = items.find(({ kind }) => kind === 'network');
  const need = { site, opened, fleetId, membership };
  if (chosen.mode === 'existing') return await ensureInGiven(context, need, chosen, items);
  // The network was removed in the meantime. This happens only while launching is not on.
  if (!network) return 'stopped';
  const first = await ensureResource(context, need, network, { network, all: items });
  if (first !== 'ready') return await blockOrWait(context, fleetId, site, [first]);
  const now = network.status === 'Ready' ? items : (await readSiteNetworks(store, ref)).items;
  const made = now.find(({ kind }) => kind === 'network') ?? network;
  const rest = now.filter(({ kind }) => kind !== 'network');
  const progress = await ensureRest(context, need, { network: made, all: now }, rest);
  if (progress === 'ready' && membership?.stuck) await recordWait(store, ref, { failingSinceMs: 0 });
  return progress;
}

/**
 * Reads the resources of a fleet at a site. Shared ones that the cloud has not shown for an hour are made sure of again:
 * a user may have deleted one there, or a part of the network that no launch and no list misses, such as its router.
 */
async function readAfterCheck(context: WorkerContext, ref: PlacementRef): Promise<SiteNetworks> {
  const read = await readSiteNetworks(context.store, ref);
  const fromMs = context.store.clock.now() - RECHECK_MS;
  const old = read.items.filter((item) => isShared(item) && (item.checkedAtMs ?? 0) < fromMs);
  return (await doubtResources(context, old)) ? await readSiteNetworks(context.store, ref) : read;
}

/**
 * Verifies what the fleet names by the cloud's own ids. The records of the site's resources are written only after that.
 * A site with records was therefore verified.
 */
async function verifyOnce(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
): Promise<Exclude<Progress, 'ready'> | undefined> {
  const { placements } = await context.layout(fleetId);
  const isNeeded = placements.some(
    (one) => sameSite(one, site) && one.ranges.some(({ group }) => isGiven(group)),
  );
  if (!isNeeded) return undefined;
  const { items } = await readSiteNetworks(context.store, { fleetId, ...site });
  if (items.length > 0 || (await isVerified(context, fleetId, site))) return undefined;
  const opened = await openOrFail(context, site);
  return 'client' in opened ? await verifyMachines(context, fleetId, site, opened) : opened;
}

/**
 * Creates the key pairs of a fleet in an existing network. The network is verified before the first of them is made: a
 * key pair that is Ready shows that the network was verified.
 */
async function ensureInGiven(
  context: WorkerContext,
  need: Need,
  given: GivenSite,
  items: readonly SiteResource[],
): Promise<NetworksAnswer> {
  const { fleetId, site } = need;
  const [first, ...others] = items.filter(({ kind }) => kind === 'key-pair');
  // The key pairs were removed in the meantime. This happens only while launching is not on.
  if (!first) return 'stopped';
  const ensure = (item: SiteResource, verify: NonNullable<Around['verify']>) =>
    ensureResource(context, need, item, { all: items, verify });
  const isKnown = await isVerified(context, fleetId, site);
  const progress = await ensure(first, async (client) =>
    isKnown ? undefined : await refusalOf(client, site, given),
  );
  if (progress !== 'ready') return await blockOrWait(context, fleetId, site, [progress]);
  const rest = others.map((item) => ensure(item, () => Promise.resolve(undefined)));
  return await blockOrWait(context, fleetId, site, await Promise.all(rest));
}

/** Creates everything but the network. The rules of some security groups name the ids of others, which come first. */
async function ensureRest(
  context: WorkerContext,
  need: Need,
  around: Around,
  rest: readonly SiteResource[],
): Promise<Progress> {
  const { fleetId, site } = need;
  const ensureAll = async (items: readonly SiteResource[], by: Around) => {
    const progress = await Promise.all(items.map((item) => ensureResource(context, need, item, by)));
    return await blockOrWait(context, fleetId, site, progress);
  };
  const sources = await ensureAll(
    rest.filter((item) => !hasGroupSource(item)),
    around,
  );
  if (sources !== 'ready' || !rest.some(hasGroupSource)) return sources;
  const { items } = await readSiteNetworks(context.store, { fleetId, ...site });
  return await ensureAll(items.filter(hasGroupSource), { ...around, all: items });
}

async function openOrFail(
  context: WorkerContext,
  { connectionKey }: SiteRef,
): Promise<OpenConnection | Exclude<Progress, 'ready'>> {
  try {
    return await context.open(connectionKey);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    // The connection has lost its credential since `prepareNetworks` or the launch has looked.
    if (error.code === 'Unauthorized') return { waitMs: 1_000 };
    return { failure: failureOf(error) };
  }
}

async function blockOrWait(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  progress: readonly Progress[],
): Promise<Progress> {
  for (const one of progress) {
    if (one === 'ready' || !('failure' in one)) continue;
    await blockPlacement(context.store, { fleetId, ...site }, one.failure);
    return one;
  }
  const waits = progress.flatMap((one) => (one !== 'ready' && 'waitMs' in one ? [one.waitMs] : []));
  const [short] = progress.flatMap((one) =>
    one !== 'ready' && 'waitMs' in one && one.short ? [one.short] : [],
  );
  return waits.length > 0 ? { waitMs: Math.max(...waits), ...(short ? { short } : {}) } : 'ready';
}
