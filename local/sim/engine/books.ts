import type { InstanceRecord, ResourceRecord, VolumeRecord } from './records.ts';
import type { ResourceKind } from './requests.ts';
import type { Site } from './state.ts';
import { createdAtMs, ranAtMs, statusAt } from './status.ts';
import { volumesAt } from './volumes.ts';
import type { World } from './world.ts';

const iso = (ms: number) => new Date(ms).toISOString();

export interface BooksFilter {
  cloud?: string | undefined;
  connection?: string | undefined;
  location?: string | undefined;
}

/**
 * Returns the books: the clouds' own record of their instances (also terminated ones), resources and calls.
 * Changes nothing.
 */
export function readBooks({ state, clock }: World, filter: BooksFilter = {}) {
  const nowMs = clock.now();
  const matches = ({ key }: Site) =>
    (filter.cloud ?? key.cloud) === key.cloud &&
    (filter.connection ?? key.account) === key.account &&
    (filter.location ?? key.location) === key.location;
  const sites = [...state.sites.values()].filter(matches);
  return {
    now: iso(nowMs),
    seed: state.seed,
    clouds: sites.filter(({ key }) => key.location !== '').map((site) => siteBooks(site, nowMs)),
    accounts: sites
      .filter(({ key }) => key.location === '')
      .map(({ key, calls, throttled }) => ({
        cloud: key.cloud,
        connection: key.account,
        calls,
        throttled,
        notes: [...state.notes.values()]
          .filter(({ cloud, account }) => cloud === key.cloud && account === key.account)
          .map(({ name, value }) => ({ name, value })),
      })),
  };
}

export type Books = ReturnType<typeof readBooks>;

function siteBooks(site: Site, nowMs: number) {
  const { key, live, gone, resources, calls, throttled, violations } = site;
  const ofKind = (kind: ResourceKind) =>
    [...resources.values()].filter((one) => one.kind === kind).map(resourceBooks);
  return {
    cloud: key.cloud,
    connection: key.account,
    location: key.location,
    instances: [...gone, ...live.values()]
      .sort((a, b) => a.sequence - b.sequence)
      .map((record) => instanceBooks(record, nowMs)),
    networks: ofKind('network'),
    securityGroups: ofKind('security-group'),
    keyPairs: ofKind('key-pair'),
    volumes: volumesAt(site, nowMs).map(volumeBooks),
    calls,
    throttled,
    limitViolations: violations,
  };
}

function instanceBooks(record: InstanceRecord, nowMs: number) {
  const ranAt = ranAtMs(record, nowMs);
  const { terminatedAtMs, launchToken, zone } = record;
  return {
    backendId: record.backendId,
    name: record.name,
    tags: record.tags,
    ...(launchToken === undefined ? {} : { launchToken }),
    status: statusAt(record, nowMs),
    instanceType: record.instanceType,
    ...(zone === undefined ? {} : { zone }),
    keyPairId: record.keyPairId,
    securityGroupIds: record.securityGroupIds,
    ...(record.publicIp === undefined ? {} : { publicIp: record.publicIp }),
    privateIp: record.privateIp,
    ...(record.ipv6 === undefined ? {} : { ipv6: record.ipv6 }),
    acceptedAt: iso(record.acceptedAtMs),
    createdAt: iso(createdAtMs(record)),
    submitMs: record.submitMs,
    bootMs: record.bootMs,
    ...(ranAt === undefined ? {} : { runningAt: iso(ranAt) }),
    ...(terminatedAtMs !== undefined && terminatedAtMs <= nowMs ? { terminatedAt: iso(terminatedAtMs) } : {}),
    ...(record.vanished ? { vanished: true } : {}),
    market: record.market ?? 'on-demand',
    ...(record.interruptedBecause === undefined ? {} : { interruptedBecause: record.interruptedBecause }),
    ...(record.planted ? { planted: true } : {}),
  };
}

function resourceBooks({ backendId, name, tags, createdAtMs: madeAtMs, rules, publicKey }: ResourceRecord) {
  return {
    backendId,
    name,
    tags,
    createdAt: iso(madeAtMs),
    ...(rules === undefined ? {} : { rules }),
    ...(publicKey === undefined ? {} : { publicKey }),
  };
}

function volumeBooks({ backendId, name, tags, disk, sizeGb, type, deleteOnTermination }: VolumeRecord) {
  return { backendId, name, tags, disk, sizeGb, type, deleteOnTermination };
}
