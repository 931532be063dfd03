import type { CloudConfig } from './config.ts';
import { publicIpOf } from './create-instance.ts';
import { draw, drawBetween } from './draw.ts';
import { listedBy } from './list-filter.ts';
import { pageOf } from './paging.ts';
import type { InstanceRecord } from './records.ts';
import { Refusal } from './refusals.ts';
import type { ListFilter, Page, PowerKind } from './requests.ts';
import type { Site } from './state.ts';
import { bootedAtMs, createdAtMs, isVisibleAt, ranAtMs, type SimStatus, statusAt } from './status.ts';
import { siteParts, type Target, type World } from './world.ts';

/** Lists instances. @param query `ids`: lists only instances with one of these ids */
export function listInstances(
  world: World,
  { cloud, site, nowMs }: Target,
  { ids, page, ...filter }: ListFilter & { ids?: readonly string[] | undefined; page: Page },
  viewedAtMs: number,
): { items: object[]; nextCursor: string | null } {
  world.state.retire(site, nowMs);
  const isListed = listedBy(cloud, filter);
  const shown: InstanceRecord[] = [];
  for (const record of ids ? among(site, ids) : site.live.values()) {
    if (isVisibleAt(record, viewedAtMs) && isListed(record)) shown.push(record);
  }
  const { items, nextCursor } = pageOf(shown, page, world.config.pageSize, ({ sequence }) => sequence);
  return { items: items.map((record) => instanceView(cloud, record, viewedAtMs)), nextCursor };
}

function among({ live }: Site, ids: readonly string[]): InstanceRecord[] {
  const found = [...new Set(ids)].map((id) => live.get(id)).filter((record) => record !== undefined);
  return found.sort((a, b) => a.sequence - b.sequence);
}

/** Finds the instances with a launch token or a name. A cloud without tags finds them only by name. */
export function findInstances(
  { cloud, site }: Target,
  { launchToken, name }: { launchToken: string; name?: string | undefined },
  viewedAtMs: number,
): object[] {
  return [...site.live.values()]
    .filter(
      (record) =>
        ((cloud.tags && record.launchToken === launchToken) ||
          (name !== undefined && record.name === name)) &&
        isVisibleAt(record, viewedAtMs),
    )
    .map((record) => instanceView(cloud, record, viewedAtMs));
}

/**
 * Reads an instance. A spot instance that the cloud has taken back is shown also after its end, with the reason.
 *
 * @throws Refusal NotFound, also for any other terminated instance
 */
export function getInstance(target: Target, backendId: string): InstanceRecord {
  const { site } = target;
  const ended = site.live.get(backendId) ?? site.gone.find((record) => record.backendId === backendId);
  return ended?.interruptedBecause === undefined ? existing(target, backendId) : ended;
}

/** Returns an instance that exists. @throws Refusal NotFound */
function existing({ site, nowMs }: Target, backendId: string): InstanceRecord {
  const record = site.live.get(backendId);
  if (!record || !isVisibleAt(record, nowMs))
    throw new Refusal('NotFound', `instance ${backendId} does not exist`);
  return record;
}

/**
 * Terminates an instance.
 *
 * @param stuckForMs time that the instance stays Terminating in addition to the usual time; a later terminate
 *   call can shorten it
 */
export function terminateInstance(
  world: World,
  target: Target,
  backendId: string,
  stuckForMs: number,
): InstanceRecord {
  const { cloud, site, nowMs } = target;
  const record = existing(target, backendId);
  const usualMs = Math.round(
    drawBetween(cloud.terminateSeconds, world.state.seed, 'terminate', ...siteParts(site), record.sequence) *
      1_000,
  );
  const endsAtMs = nowMs + usualMs + stuckForMs;
  const removed: InstanceRecord = {
    ...record,
    removeAskedAtMs: record.removeAskedAtMs ?? nowMs,
    terminatedAtMs: Math.min(record.terminatedAtMs ?? Number.POSITIVE_INFINITY, endsAtMs),
  };
  world.commit({ kind: 'instance', record: removed });
  return removed;
}

/**
 * For each request: `done` are the statuses in which the request succeeds without a change. `from` is the
 * only other status in which the request succeeds.
 */
const POWER = {
  stop: { done: ['Suspending', 'Suspended'], from: 'Running' },
  start: { done: ['Resuming', 'Running', 'Rebooting'], from: 'Suspended' },
  reboot: { done: [], from: 'Running' },
} as const satisfies Record<PowerKind, { done: readonly SimStatus[]; from: SimStatus }>;

/** Stops, starts or reboots an instance. @throws Refusal IncorrectState when its status does not allow the request */
export function powerInstance(
  world: World,
  target: Target,
  backendId: string,
  kind: PowerKind,
): InstanceRecord {
  const { cloud, site, nowMs } = target;
  const record = existing(target, backendId);
  const status = statusAt(record, nowMs);
  const { done, from } = POWER[kind];
  if (kind === 'stop' && record.market === 'spot')
    throw new Refusal('UnsupportedOperation', `spot instance ${backendId} cannot be stopped`);
  if (done.some((one) => one === status)) return record;
  if (status !== from)
    throw new Refusal(
      'IncorrectState',
      `instance ${backendId} is ${status}: the call ${kind} is not possible`,
    );
  const tookMs = drawBetween(cloud.powerSeconds, world.state.seed, kind, ...siteParts(site), record.sequence);
  const doneAtMs = nowMs + Math.round(tookMs * 1_000);
  const { seed, epoch } = world.state;
  const changed: InstanceRecord = {
    ...record,
    // A machine that is started again gets another public address.
    ...(kind === 'start' && record.publicIp !== undefined
      ? { publicIp: publicIpOf(record.sequence, seed, epoch, ...siteParts(site), record.sequence, nowMs) }
      : {}),
    power: { kind, askedAtMs: nowMs, doneAtMs },
  };
  world.commit({ kind: 'instance', record: changed });
  return changed;
}

/**
 * Returns the instances that a fault can make vanish: those that exist and whose removal was not requested.
 */
export function vanishable(site: Site, nowMs: number): InstanceRecord[] {
  return [...site.live.values()].filter(
    (record) => record.removeAskedAtMs === undefined && createdAtMs(record) <= nowMs,
  );
}

/** Returns the spot instances that the fault `interrupt` can take back. */
export function interruptible(site: Site, nowMs: number): InstanceRecord[] {
  return vanishable(site, nowMs).filter(({ market }) => market === 'spot');
}

/** Takes one spot instance back, with a reason that the cloud shows. It is gone after the usual time. */
export function interruptOne(world: World, { cloud, site, nowMs }: Target, drawName: string): void {
  const candidates = interruptible(site, nowMs);
  const { seed } = world.state;
  const record = candidates[Math.floor(draw(seed, 'interrupt', drawName) * candidates.length)];
  if (!record) return;
  const usualMs =
    drawBetween(cloud.terminateSeconds, seed, 'interrupt', ...siteParts(site), record.sequence) * 1_000;
  const interrupted: InstanceRecord = {
    ...record,
    removeAskedAtMs: nowMs,
    terminatedAtMs: nowMs + Math.round(usualMs),
    vanished: true,
    interruptedBecause:
      'the cloud took the spot instance back: instance-terminated-no-capacity (injected fault)',
  };
  world.commit({ kind: 'instance', record: interrupted });
}

/** Makes one instance vanish immediately, without a request. */
export function vanishOne(world: World, { site, nowMs }: Target, drawName: string): void {
  const candidates = vanishable(site, nowMs);
  const record = candidates[Math.floor(draw(world.state.seed, 'vanish', drawName) * candidates.length)];
  if (!record) return;
  world.commit({
    kind: 'instance',
    record: { ...record, removeAskedAtMs: nowMs, terminatedAtMs: nowMs, vanished: true },
  });
}

/**
 * Caches the JSON of instances whose status no longer changes with time. A call that changes an instance
 * makes a new record, whose JSON is not cached yet.
 */
const settledViews = new WeakMap<InstanceRecord, object>();

export function instanceView(cloud: Pick<CloudConfig, 'tags'>, record: InstanceRecord, atMs: number): object {
  const isSettled =
    hasAddressesAt(record, atMs) && record.removeAskedAtMs === undefined && record.power === undefined;
  if (!isSettled) return viewAt(cloud, record, atMs);
  const known = settledViews.get(record);
  if (known) return known;
  const view = viewAt(cloud, record, atMs);
  settledViews.set(record, view);
  return view;
}

/** Statuses in which an instance has no public address. */
const WITHOUT_PUBLIC: ReadonlySet<SimStatus> = new Set(['Suspended', 'Resuming']);

/** Returns why a spot instance is going or gone, if the cloud has taken it back. */
const interruptionAt = ({ interruptedBecause }: InstanceRecord, status: SimStatus) =>
  interruptedBecause !== undefined && (status === 'Terminating' || status === 'Terminated')
    ? { failureMessage: interruptedBecause, interrupted: true }
    : {};

const hasAddressesAt = (record: InstanceRecord, atMs: number): boolean =>
  bootedAtMs(record) + (record.addressMs ?? 0) <= atMs;

function viewAt({ tags }: Pick<CloudConfig, 'tags'>, record: InstanceRecord, atMs: number): object {
  const status = statusAt(record, atMs);
  const hasAddresses = hasAddressesAt(record, atMs) && !record.failsToBoot;
  return {
    id: record.backendId,
    name: record.name,
    ...(record.launchToken === undefined || !tags ? {} : { launchToken: record.launchToken }),
    status,
    ...(record.zone === undefined ? {} : { zone: record.zone }),
    instanceType: record.instanceType,
    imageId: record.imageId,
    ...(tags ? { tags: record.tags } : {}),
    ...(hasAddresses && !WITHOUT_PUBLIC.has(status) && record.publicIp !== undefined
      ? { publicIp: record.publicIp }
      : {}),
    ...(hasAddresses ? { privateIp: record.privateIp } : {}),
    ...(hasAddresses && record.ipv6 !== undefined ? { ipv6: record.ipv6 } : {}),
    createdAt: new Date(createdAtMs(record)).toISOString(),
    ...(record.market === undefined ? {} : { market: record.market }),
    ...(status === 'Failed' ? { failureMessage: 'the machine did not boot' } : {}),
    ...interruptionAt(record, status),
    ...(ranAtMs(record, atMs) === undefined ? {} : { runningAt: new Date(bootedAtMs(record)).toISOString() }),
  };
}
