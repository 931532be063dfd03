import type { CloudConfig } from './config.ts';
import { drawId } from './draw.ts';
import { listedBy } from './list-filter.ts';
import { pageOf } from './paging.ts';
import type { ResourceRecord } from './records.ts';
import { Refusal } from './refusals.ts';
import type { EnsureInput, ListFilter, Page, ResourceKind } from './requests.ts';
import type { Site } from './state.ts';
import { statusAt } from './status.ts';
import type { Target, World } from './world.ts';
import { zonesOf } from './zones.ts';

/**
 * Makes a network, security group or key pair. If a resource of the kind has this name, returns that resource.
 *
 * @throws Refusal QuotaExceeded if the account has as many networks as it may have at the location
 */
export function ensureResource(
  world: World,
  { cloud, site, nowMs }: Target,
  kind: ResourceKind,
  { name, tags, networkId, rules, publicKey }: EnsureInput,
): { record: ResourceRecord; isNew: boolean } {
  const existing = findResource(site, kind, name);
  if (existing) return { record: existing, isNew: false };
  if (networkId !== undefined && site.resources.get(networkId)?.kind !== 'network') {
    throw new Refusal('InvalidParameter', `networkId: ${site.key.location} has no network ${networkId}`);
  }
  if (kind === 'network') requireRoom(site, cloud.networkQuota);
  for (const { from } of rules ?? []) requireSource(site, networkId, from);
  const parts = [world.state.seed, world.state.epoch, ...Object.values(site.key), kind, name, nowMs];
  const template = {
    network: cloud.ids.network,
    'security-group': cloud.ids.securityGroup,
    'key-pair': cloud.ids.keyPair,
  };
  const record: ResourceRecord = {
    ...site.key,
    kind,
    backendId: drawId(template[kind], ...parts),
    ...(kind === 'network' ? { subnetId: drawId(cloud.ids.subnet, ...parts) } : {}),
    ...(networkId === undefined ? {} : { networkId }),
    ...(rules === undefined ? {} : { rules: [...rules] }),
    ...(publicKey === undefined ? {} : { publicKey }),
    name,
    tags,
    createdAtMs: nowMs,
    sequence: 1 + Math.max(0, ...[...site.resources.values()].map(({ sequence }) => sequence)),
  };
  world.commit({ kind: 'resource', record });
  return { record, isNew: true };
}

export function findResource(site: Site, kind: ResourceKind, name: string): ResourceRecord | undefined {
  return [...site.resources.values()].find((record) => record.kind === kind && record.name === name);
}

export function listResources(
  world: World,
  { cloud, site }: Target,
  kind: ResourceKind,
  { ids, ...filter }: ListFilter & { ids?: readonly string[] | undefined },
  page: Page,
): { items: object[]; nextCursor: string | null } {
  const isListed = listedBy(cloud, filter);
  const shown = [...site.resources.values()]
    .filter((record) => record.kind === kind && isListed(record) && (ids?.includes(record.backendId) ?? true))
    .sort((a, b) => a.sequence - b.sequence);
  const { items, nextCursor } = pageOf(shown, page, world.config.pageSize, ({ sequence }) => sequence);
  return { items: items.map((record) => resourceView(cloud, record)), nextCursor };
}

/** Checks that an account may make one more network at the location. @throws Refusal QuotaExceeded */
function requireRoom({ key, resources }: Site, quota: number | undefined): void {
  const networks = [...resources.values()].filter(({ kind }) => kind === 'network').length;
  if (quota !== undefined && networks >= quota)
    throw new Refusal('QuotaExceeded', `the quota of ${key.location} is ${quota} networks`);
}

/** Checks the source of a rule: a CIDR, or a security group of the rule's own network. */
function requireSource(site: Site, networkId: string | undefined, from: string): void {
  if (from.includes('/')) return;
  const group = site.resources.get(from);
  if (group?.kind !== 'security-group' || group.networkId !== networkId)
    throw new Refusal('InvalidParameter', `rules: the network ${networkId} has no security group ${from}`);
}

/** Deletes a resource. @throws Refusal NotFound, or ResourceInUse while an instance or a security group needs it */
export function deleteResource(
  world: World,
  { site, nowMs }: Target,
  kind: ResourceKind,
  backendId: string,
): void {
  const record = site.resources.get(backendId);
  if (record?.kind !== kind) throw new Refusal('NotFound', `${kind} ${backendId} does not exist`);
  const user = userOf(site, backendId, nowMs);
  if (user !== undefined) throw new Refusal('ResourceInUse', `${kind} ${backendId} is used by ${user}`);
  world.commit({ kind: 'resource-gone', site: site.key, backendId });
}

export function resourceView(
  cloud: Pick<CloudConfig, 'tags' | 'locations'>,
  { kind, location, backendId, subnetId, networkId, name, tags, createdAtMs }: ResourceRecord,
): object {
  return {
    id: backendId,
    name,
    ...(subnetId === undefined ? {} : { subnetId }),
    ...(kind === 'network' ? { zones: zonesOf(cloud, location) } : {}),
    ...(networkId === undefined ? {} : { networkId }),
    ...(cloud.tags ? { tags } : {}),
    createdAt: new Date(createdAtMs).toISOString(),
  };
}

function userOf(site: Site, backendId: string, nowMs: number): string | undefined {
  for (const resource of site.resources.values()) {
    if (resource.networkId === backendId) return resource.backendId;
    const isSource = resource.rules?.some(({ from }) => from === backendId);
    if (isSource && resource.backendId !== backendId) return resource.backendId;
  }
  for (const instance of site.live.values()) {
    const { networkId, securityGroupIds, keyPairId } = instance;
    const uses = [networkId, ...securityGroupIds, keyPairId].includes(backendId);
    if (uses && statusAt(instance, nowMs) !== 'Terminated') return instance.backendId;
  }
  return undefined;
}
