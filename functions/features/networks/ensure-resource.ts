import {
  type AllowRule,
  type CloudClient,
  DEPLOYMENT_TAG,
  type EnsuredNetwork,
} from '../../drivers/contract/driver.ts';
import { DriverError, failureOf } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import { sshRule } from '../../model/inbound-rule.ts';
import { openNetworks } from '../../platform/governor/network-quota.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import { recordWait } from '../../platform/store/memberships.ts';
import {
  claimNetwork,
  type Membership,
  type NetworkItem,
  recordNetwork,
} from '../../platform/store/networks.ts';
import { claimShared, recordShared } from '../../platform/store/shared-networks.ts';
import { isShared, type SiteResource } from '../../platform/store/site-networks.ts';
import {
  claimMsOf,
  type OpenConnection,
  type SiteRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { markRefused } from '../connections/mark-failed.ts';
import { afterQuota, awaitQuota, type QuotaSeat } from './await-quota.ts';
import { doubtResources } from './doubt-resources.ts';

/**
 * Maximum time that a call waits for its permit, in ms. If no permit comes in this time, the message is sent
 * again with a delay.
 */
const PERMIT_WAIT_MS = 2_000;
/** The range of each network that belongs to one fleet. Such networks are never joined with each other. */
const DEDICATED_CIDR = '10.0.0.0/16';
/**
 * If a site is unreachable for longer than this time, in ms, its network resources count as failed. The
 * instances of the site then move to another location, or fail.
 */
const UNREACHABLE_MS = 600_000;

/** State of one network resource after the worker has handled a delivery of the message. */
export type Progress =
  | 'ready'
  /** `short`: a quota of network resources is used up. Absent: the resource is created soon. */
  | { waitMs: number; short?: Failure }
  | { failure: Failure };

/** What the resources that a fleet uses at a site need of each other. */
export interface Around {
  /** Absent in an existing network. */
  network?: SiteResource;
  all: readonly SiteResource[];
  /** Asks the cloud about the existing network. @returns the failure if nothing may be made there */
  verify?(client: CloudClient): Promise<Failure | undefined>;
}

/** A fleet that needs network resources at a site. */
export interface Need {
  site: SiteRef;
  opened: OpenConnection;
  fleetId: string;
  membership: Membership | undefined;
}

/**
 * Creates a network resource that a fleet needs, once, even if many workers request it. Its record was written before.
 */
export async function ensureResource(
  context: WorkerContext,
  { site, opened, fleetId, membership }: Need,
  item: SiteResource,
  around: Around,
): Promise<Progress> {
  if (item.status === 'Ready') return 'ready';
  const nowMs = context.store.clock.now();
  if (item.claimUntilMs > nowMs) return { waitMs: Math.min(item.claimUntilMs - nowMs, 2_000) };
  const seat = seatOf(context, item, fleetId, membership);
  // In an existing network, a quota of networks says nothing of key pairs.
  const isApart = around.verify !== undefined && seat.stuck === undefined;
  // A resource that was made before probably stands, and needs no room in a quota.
  const isMade = item.backendId !== undefined;
  const shut = isApart || isMade ? undefined : await awaitQuota(context, site, seat);
  if (shut) return shut;
  const claimed = { ...item, claimUntilMs: nowMs + claimMsOf(context) };
  if (!(await claim(context, item, claimed.claimUntilMs))) return { waitMs: 1_000 };
  try {
    const client = opened.onTerms({ waitMs: PERMIT_WAIT_MS });
    const refusal = await around.verify?.(client);
    if (refusal) {
      await record(context, claimed, { failingSinceMs: 0 });
      return { failure: refusal };
    }
    const made = await callDriver(context, site, client, item, around);
    const checkedAtMs = context.store.clock.now();
    await record(context, claimed, { status: 'Ready', failingSinceMs: 0, checkedAtMs, ...made });
    if (!isApart) await openNetworks(context.store, site);
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
    if (isLost(error) && around.network && item !== around.network) {
      // The security group is to be made in a network that a user has deleted at the cloud.
      const isDoubted = await doubtResources(context, [around.network]);
      if (isDoubted) await record(context, claimed, { failingSinceMs: 0 });
      if (isDoubted) return { waitMs: 1_000 };
    }
    if (error.code === 'QuotaExceeded' && error.scope !== 'launch') {
      const refused = await afterQuota(context, site, seatOf(context, claimed, fleetId, membership), error);
      if (isShared(claimed)) await record(context, claimed, { failingSinceMs: 0 });
      return refused;
    }
    const progress = await afterError(context, opened, error, sinceMs);
    const failingSinceMs = progress !== 'ready' && 'waitMs' in progress && mayPass(error) ? sinceMs : 0;
    await record(context, claimed, { failingSinceMs });
    return progress;
  }
}

/**
 * Returns where it is recorded that the fleet waits for a quota: in the resource's record, or for a shared resource in
 * the fleet's membership, because each of its fleets has a time limit of its own.
 */
function seatOf(
  { store }: WorkerContext,
  item: SiteResource,
  fleetId: string,
  membership: Membership | undefined,
): QuotaSeat {
  if (!isShared(item)) return { ...item, record: (fields) => recordNetwork(store, item, fields) };
  const { connectionKey, location, kind, name } = item;
  return {
    fleetId,
    failingSinceMs: membership?.failingSinceMs ?? 0,
    stuck: membership?.stuck,
    record: (fields) =>
      recordWait(store, { fleetId, connectionKey, location }, { ...fields, waitsFor: { kind, name } }),
  };
}

async function claim({ store }: WorkerContext, item: SiteResource, untilMs: number): Promise<boolean> {
  if (isShared(item)) return await claimShared(store, item, untilMs);
  return await claimNetwork(store, item, 'Creating', untilMs);
}

type Recorded = Pick<NetworkItem, 'failingSinceMs'> &
  Partial<Pick<NetworkItem, 'backendId' | 'subnetBackendId' | 'zones' | 'checkedAtMs'>> & {
    status?: 'Ready';
  };

async function record({ store }: WorkerContext, item: SiteResource, fields: Recorded): Promise<void> {
  if (isShared(item)) await recordShared(store, item, fields);
  else await recordNetwork(store, item, fields);
}

async function callDriver(
  context: WorkerContext,
  site: SiteRef,
  client: CloudClient,
  item: SiteResource,
  { network, all }: Around,
): Promise<EnsuredNetwork> {
  const base = {
    location: site.location,
    name: item.name,
    tags: { [DEPLOYMENT_TAG]: await context.deploymentId() },
  };
  switch (item.kind) {
    case 'network':
      return await client.ensureNetwork({ ...base, cidr: cidrOf(item) });
    case 'key-pair':
      return await client.ensureKeyPair({ ...base, publicKey: await publicKeyOf(context, item) });
    case 'security-group': {
      if (!network?.backendId) throw new Error(`the network of security group ${item.name} is not ready`);
      return await client.ensureSecurityGroup({
        ...base,
        networkBackendId: network.backendId,
        rules: allowRules(item, all),
      });
    }
  }
}

const cidrOf = (network: SiteResource): string => (isShared(network) && network.cidr) || DEDICATED_CIDR;

async function publicKeyOf({ store }: WorkerContext, keyPair: SiteResource): Promise<string> {
  const own = isShared(keyPair) ? undefined : (await readFleetItem(store, keyPair.fleetId))?.sshPublicKey;
  const publicKey = keyPair.publicKey ?? own;
  if (!publicKey) throw new Error(`key pair ${keyPair.name} has no public key`);
  return publicKey;
}

/** Returns the rules of a security group's record. A record from before `rules` existed has at most the SSH rule. */
function allowRules({ rules, sshFrom }: SiteResource, all: readonly SiteResource[]): AllowRule[] {
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
      // `prepareNetworks` and the launches wait for the connection.
      await markRefused(context, connection, failure);
      return { waitMs: 1_000 };
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

/** Returns true for the errors with which clouds refuse a call that names a network which does not exist. */
const isLost = ({ code }: DriverError): boolean => code === 'NotFound' || code === 'InvalidRequest';

function mayPass({ code }: DriverError): boolean {
  return code === 'Unavailable' || code === 'OutcomeUnknown';
}
