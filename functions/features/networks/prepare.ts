import { type AllowRule, DEPLOYMENT_TAG, type EnsuredNetwork } from '../../drivers/contract/driver.ts';
import { DriverError, failureOf } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import { sshRule } from '../../model/inbound-rule.ts';
import { openNetworks } from '../../platform/governor/network-quota.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import {
  claimNetwork,
  intendNetwork,
  type NetworkItem,
  readNetworks,
  recordNetwork,
} from '../../platform/store/networks.ts';
import { blockPlacement } from '../../platform/store/placements.ts';
import {
  ACK,
  claimMsOf,
  type MessageResult,
  type OpenConnection,
  requeueAfter,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { LAUNCH_ABANDONED, type PrepareNetworksMessage } from '../../platform/workflow/messages.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { afterQuota, awaitQuota, mayAnyLeave } from './await-quota.ts';
import { hasGroupSource, securityGroupsOf } from './inbound-rules.ts';
import { keyPairName, nameOfGroup, networkName } from './network-names.ts';

/**
 * Maximum time that a call waits for its permit, in ms. If no permit comes in this time, the message is sent
 * again with a delay.
 */
const PERMIT_WAIT_MS = 2_000;
const NETWORK_CIDR = '10.0.0.0/16';
/**
 * If a site is unreachable for longer than this time, in ms, its network resources count as failed. The
 * instances of the site then move to another location, or fail.
 */
const UNREACHABLE_MS = 600_000;

/** State of one network resource after the worker has handled a delivery of the message. */
type Progress =
  | 'ready'
  /** `short`: a quota of network resources is used up. Absent: the resource is created soon. */
  | { waitMs: number; short?: Failure }
  | { failure: Failure };

/**
 * `stopped` means that the fleet does not launch at the site now, and nothing may be created. A failure is
 * permanent, and is written to the placement.
 */
export type NetworksAnswer = Progress | 'stopped';

/**
 * Creates the network resources of a fleet at a site. Completes the task if all of them are ready. Fails the
 * task after a permanent failure, or if launching is not on. Otherwise requeues the message.
 */
export async function prepareNetworks(
  context: WorkerContext,
  message: PrepareNetworksMessage,
): Promise<MessageResult> {
  const { fleetId, taskToken } = message;
  const answer = await ensureNetworks(context, fleetId, message);
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

/**
 * Creates the network, the security groups and the key pair of a fleet at a site. Each resource is created
 * once, even if many workers request it. Writes the records before the calls.
 */
export async function ensureNetworks(
  context: WorkerContext,
  fleetId: string,
  { connectionKey, location }: SiteRef,
): Promise<NetworksAnswer> {
  const site = { connectionKey, location };
  const wanted = await wantedNetworks(context, fleetId, site);
  const known = new Set((await readNetworks(context.store, { fleetId, ...site })).map(({ name }) => name));
  for (const item of wanted) {
    if (known.has(item.name)) continue;
    if ((await intendNetwork(context.store, item)) === 'stopped') return 'stopped';
  }
  const opened = await openOrFail(context, site);
  if ('failure' in opened) return await blockOrWait(context, fleetId, site, [opened]);
  const items = await readNetworks(context.store, { fleetId, ...site });
  const network = items.find(({ kind }) => kind === 'network');
  // The network was removed in the meantime. This happens only while launching is not on.
  if (!network) return 'stopped';
  const first = await ensure(context, site, opened, network, { network, all: items });
  if (first !== 'ready') return await blockOrWait(context, fleetId, site, [first]);
  const now = await readNetworks(context.store, { fleetId, ...site });
  const made = now.find(({ kind }) => kind === 'network') ?? network;
  const rest = now.filter(({ kind }) => kind !== 'network');
  const one = (item: NetworkItem) => ensure(context, site, opened, item, { network: made, all: now });
  const sources = await Promise.all(rest.filter((item) => !hasGroupSource(item)).map(one));
  const progress = await blockOrWait(context, fleetId, site, sources);
  if (progress !== 'ready' || !rest.some(hasGroupSource)) return progress;
  // The rules of these security groups name the ids of others.
  const all = await readNetworks(context.store, { fleetId, ...site });
  const users = all.filter(hasGroupSource);
  return await blockOrWait(
    context,
    fleetId,
    site,
    await Promise.all(users.map((item) => ensure(context, site, opened, item, { network: made, all }))),
  );
}

/** What the resources of a fleet at a site need of each other. */
interface Around {
  network: NetworkItem;
  all: readonly NetworkItem[];
}

async function openOrFail(
  context: WorkerContext,
  { connectionKey }: SiteRef,
): Promise<OpenConnection | { failure: Failure }> {
  try {
    return await context.open(connectionKey);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
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

/** Returns the records of the network resources that the fleet's node groups at this site need. */
async function wantedNetworks(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
): Promise<NetworkItem[]> {
  const layout = await context.layout(fleetId);
  const placement = layout.placements.find((one) => sameSite(one, site));
  if (!placement) throw new RangeError(`fleet ${fleetId} has no placement at ${site.location}`);
  const groups = placement.ranges.map(({ group }) => group);
  const item = (kind: NetworkItem['kind'], name: string, neededBy: string[]): NetworkItem => ({
    fleetId,
    ...site,
    kind,
    name,
    status: 'Creating',
    failingSinceMs: 0,
    claimUntilMs: 0,
    neededBy,
    createdAt: isoTime(context.store.clock.now()),
  });
  const everyone = groups.map(({ name }) => name);
  return [
    item('network', networkName(fleetId, site), everyone),
    item('key-pair', keyPairName(fleetId, site), everyone),
    ...securityGroupsOf(groups).map(({ neededBy, ...group }) => ({
      ...item('security-group', nameOfGroup(fleetId, site, group), neededBy),
      ...group,
    })),
  ];
}

async function ensure(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  item: NetworkItem,
  around: Around,
): Promise<Progress> {
  if (item.status === 'Ready') return 'ready';
  const nowMs = context.store.clock.now();
  if (item.claimUntilMs > nowMs) return { waitMs: Math.min(item.claimUntilMs - nowMs, 2_000) };
  const shut = await awaitQuota(context, site, item);
  if (shut) return shut;
  const claimed = { ...item, claimUntilMs: nowMs + claimMsOf(context) };
  if (!(await claimNetwork(context.store, item, 'Creating', claimed.claimUntilMs))) return { waitMs: 1_000 };
  try {
    const made = await callDriver(context, site, opened, item, around);
    await recordNetwork(context.store, claimed, { status: 'Ready', failingSinceMs: 0, ...made });
    await openNetworks(context.store, site);
    return 'ready';
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code !== 'NoPermit')
      context.log.warn('a network resource could not be created', {
        name: item.name,
        code: error.code,
        message: error.message,
      });
    const sinceMs = item.failingSinceMs || nowMs;
    if (error.code === 'QuotaExceeded' && error.scope !== 'launch')
      return await afterQuota(context, site, claimed, error);
    const progress = await afterError(context, opened, error, sinceMs);
    const failingSinceMs = progress !== 'ready' && 'waitMs' in progress && mayPass(error) ? sinceMs : 0;
    await recordNetwork(context.store, claimed, { failingSinceMs });
    return progress;
  }
}

async function callDriver(
  context: WorkerContext,
  site: SiteRef,
  { onTerms }: OpenConnection,
  item: NetworkItem,
  { network, all }: Around,
): Promise<EnsuredNetwork> {
  const client = onTerms({ waitMs: PERMIT_WAIT_MS });
  const base = {
    location: site.location,
    name: item.name,
    tags: { [DEPLOYMENT_TAG]: await context.deploymentId() },
  };
  switch (item.kind) {
    case 'network':
      return await client.ensureNetwork({ ...base, cidr: NETWORK_CIDR });
    case 'key-pair': {
      const publicKey = (await readFleetItem(context.store, item.fleetId))?.sshPublicKey;
      if (!publicKey) throw new Error(`fleet ${item.fleetId} has no SSH key`);
      return await client.ensureKeyPair({ ...base, publicKey });
    }
    case 'security-group': {
      if (!network.backendId) throw new Error(`network ${network.name} is not ready`);
      return await client.ensureSecurityGroup({
        ...base,
        networkBackendId: network.backendId,
        rules: allowRules(item, all),
      });
    }
  }
}

/** Returns the rules of a security group's record. A record from before `rules` existed has at most the SSH rule. */
function allowRules({ rules, sshFrom }: NetworkItem, all: readonly NetworkItem[]): AllowRule[] {
  const recorded = rules ?? (sshFrom === undefined ? [] : [sshRule(sshFrom)]);
  return recorded.map(({ source, ...rule }) => {
    if ('cidr' in source) return { ...rule, source };
    const mark = all.find(({ nodeGroup }) => nodeGroup === source.nodeGroup);
    if (!mark?.backendId)
      throw new Error(`the security group of node group ${source.nodeGroup} is not ready`);
    return { ...rule, source: { securityGroupBackendId: mark.backendId } };
  });
}

/**
 * Decides whether a failed call is repeated. A call with an unknown outcome may be repeated, because the
 * names make the calls idempotent.
 */
async function afterError(
  context: WorkerContext,
  { connection }: OpenConnection,
  error: DriverError,
  failingSinceMs: number,
): Promise<Progress> {
  const { store } = context;
  const failure = failureOf(error);
  switch (error.code) {
    case 'NoPermit':
    case 'Throttled':
      return { waitMs: error.retryAfterMs ?? 1_000 };
    case 'Unauthorized':
      return (await markRefused(context, connection, failure)) ? { failure } : { waitMs: 1_000 };
    case 'InsufficientCapacity':
    case 'QuotaExceeded':
    case 'Unavailable':
    case 'OutcomeUnknown':
    case 'NotFound':
    case 'Conflict':
    case 'InvalidRequest':
    case 'Unsupported':
    case 'Forbidden':
      if (!mayPass(error) || store.clock.now() > failingSinceMs + UNREACHABLE_MS) return { failure };
      return { waitMs: 5_000 };
  }
}

function mayPass({ code }: DriverError): boolean {
  return code === 'Unavailable' || code === 'OutcomeUnknown';
}
