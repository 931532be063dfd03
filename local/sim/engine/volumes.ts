import type { CloudConfig } from './config.ts';
import type { DiskRequest } from './disk-input.ts';
import { drawId } from './draw.ts';
import { listedBy } from './list-filter.ts';
import { pageOf } from './paging.ts';
import { whyUnusable } from './prepared.ts';
import type { InstanceRecord, VolumeRecord } from './records.ts';
import { Refusal } from './refusals.ts';
import type { CreateInput, ListFilter, Page } from './requests.ts';
import type { Site } from './state.ts';
import { createdAtMs, statusAt } from './status.ts';
import { named, type Target, type World } from './world.ts';

/** Greater than the number of disks of one instance. */
const DISKS = 32;

/** The disks of a create call with their places: the root disk, or the number of a data disk. */
function disksOf({
  rootDisk,
  dataDisks = [],
}: CreateInput): { disk: VolumeRecord['disk']; asked: DiskRequest }[] {
  const data = dataDisks.map((asked, at) => ({ disk: at, asked }));
  return [...(rootDisk ? [{ disk: 'root' as const, asked: rootDisk }] : []), ...data];
}

/** Refuses disks that the cloud cannot make. @throws Refusal InvalidParameter that names the field */
export function checkDisks({ cloud, site }: Target, input: CreateInput): void {
  for (const { disk, asked } of disksOf(input)) {
    const field = disk === 'root' ? 'rootDisk' : `dataDisks/${disk}`;
    const bad = (name: string, words: string) =>
      new Refusal('InvalidParameter', `${field}/${name}: ${words}`);
    const type = named(cloud.diskTypes, asked.type ?? cloud.defaultDiskType);
    if (!type) throw bad('type', `${site.key.location} has no disk type ${asked.type}`);
    if (asked.iops !== undefined && asked.iops > (type.maxIops ?? 0))
      throw bad('iops', `a disk of this type has at most ${type.maxIops ?? 0} IOPS`);
    if (asked.throughputMbps !== undefined && asked.throughputMbps > (type.maxThroughputMbps ?? 0))
      throw bad('throughputMbps', `a disk of this type has at most ${type.maxThroughputMbps ?? 0} MiB/s`);
    const { encryptionKeyId } = asked;
    const unusable = encryptionKeyId === undefined ? undefined : whyUnusable({ cloud }, encryptionKeyId);
    if (unusable !== undefined) throw bad('encryptionKeyId', unusable);
  }
}

/**
 * Makes the volumes of an instance: one for each disk that its create call names.
 *
 * @param outlives true: the cloud leaves the volumes behind when the instance is gone
 */
export function makeVolumes(
  world: World,
  { cloud, site }: Target,
  record: InstanceRecord,
  input: CreateInput,
  outlives: boolean,
): void {
  for (const { disk, asked } of disksOf(input)) {
    const sequence = record.sequence * DISKS + (disk === 'root' ? 0 : disk + 1);
    const parts = [world.state.seed, world.state.epoch, ...Object.values(site.key), 'volume', sequence];
    const { name, sizeGb = cloud.rootDiskGb, type = cloud.defaultDiskType, ...rest } = asked;
    const volume: VolumeRecord = {
      ...site.key,
      ...rest,
      sequence,
      backendId: `${drawId('vol-{hex17}', ...parts)}`,
      name: name ?? '',
      tags: record.tags,
      disk,
      sizeGb,
      type,
      instanceId: record.backendId,
      deleteOnTermination: disk === 'root' || (asked.deleteOnTermination ?? true),
      createdAtMs: createdAtMs(record),
      ...(record.launchToken === undefined ? {} : { launchToken: record.launchToken }),
      ...(outlives ? { outlives } : {}),
    };
    world.commit({ kind: 'volume', record: volume });
  }
}

/** Returns the volumes that exist at a time. A volume that is to be deleted with its instance ends with it. */
export function volumesAt(site: Site, atMs: number): VolumeRecord[] {
  return [...site.volumes.values()].filter(
    (volume) =>
      volume.createdAtMs <= atMs &&
      (!volume.deleteOnTermination || volume.outlives || userOf(site, volume, atMs) !== undefined),
  );
}

export function listVolumes(
  world: World,
  { cloud, site }: Target,
  filter: ListFilter,
  page: Page,
  viewedAtMs: number,
): { items: object[]; nextCursor: string | null } {
  const isListed = listedBy(cloud, filter);
  const shown = volumesAt(site, viewedAtMs)
    .filter(isListed)
    .sort((a, b) => a.sequence - b.sequence);
  const { items, nextCursor } = pageOf(shown, page, world.config.pageSize, ({ sequence }) => sequence);
  return { items: items.map((volume) => volumeView(cloud, site, volume, viewedAtMs)), nextCursor };
}

/** Deletes a volume. @throws Refusal NotFound, or ResourceInUse while an instance uses it */
export function deleteVolume(world: World, { site, nowMs }: Target, backendId: string): void {
  const volume = volumesAt(site, nowMs).find((one) => one.backendId === backendId);
  if (!volume) throw new Refusal('NotFound', `volume ${backendId} does not exist`);
  const user = userOf(site, volume, nowMs);
  if (user !== undefined) throw new Refusal('ResourceInUse', `volume ${backendId} is used by ${user}`);
  world.commit({ kind: 'volume-gone', site: site.key, backendId });
}

/** Returns the instance that uses a volume. A site keeps only instances that a list may still show. */
function userOf({ live }: Site, { instanceId }: VolumeRecord, atMs: number): string | undefined {
  const instance = instanceId === undefined ? undefined : live.get(instanceId);
  return instance && statusAt(instance, atMs) !== 'Terminated' ? instance.backendId : undefined;
}

function volumeView(
  cloud: Pick<CloudConfig, 'tags' | 'diskTypes'>,
  site: Site,
  volume: VolumeRecord,
  atMs: number,
): object {
  const { backendId, name, tags, launchToken, disk, sizeGb, type } = volume;
  const { usdPerGbMonth } = named(cloud.diskTypes, type) ?? {};
  const instanceId = userOf(site, volume, atMs);
  return {
    id: backendId,
    name,
    ...(launchToken === undefined || !cloud.tags ? {} : { launchToken }),
    ...(cloud.tags ? { tags } : {}),
    disk,
    sizeGb,
    type,
    status: instanceId === undefined ? 'available' : 'in-use',
    ...(volume.encrypted === undefined && volume.encryptionKeyId === undefined
      ? {}
      : { encrypted: volume.encrypted ?? true }),
    ...(volume.encryptionKeyId === undefined ? {} : { encryptionKeyId: volume.encryptionKeyId }),
    ...(volume.iops === undefined ? {} : { iops: volume.iops }),
    ...(volume.throughputMbps === undefined ? {} : { throughputMbps: volume.throughputMbps }),
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(usdPerGbMonth === undefined ? {} : { usdPerMonth: Number((usdPerGbMonth * sizeGb).toFixed(2)) }),
    createdAt: new Date(volume.createdAtMs).toISOString(),
  };
}
