import { type CloudVolume, has } from '../../drivers/contract/capabilities.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { readInstances } from '../../platform/store/instances.ts';
import type { Store } from '../../platform/store/store.ts';
import { afterFailure, isDue } from '../../platform/store/stuck.ts';
import {
  endVolumeUse,
  forgetVolume,
  noteVolume,
  readVolumes,
  type VolumeItem,
} from '../../platform/store/volumes.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';

const PERMIT_WAIT_MS = 2_000;
/** Time after the first list without a volume in ms, after which the volume counts as gone. */
const MISSING_MS = 60_000;

/**
 * Compares the records of kept volumes at a site with a list of the cloud's volumes, which was read before. Has the
 * volumes removed whose removal was requested, writes which ones no machine uses any more, and deletes the records of
 * volumes that are gone. A volume that one list leaves out may exist, unless its removal was requested and the cloud
 * confirms it.
 *
 * @returns the volumes whose removal is not complete
 */
export async function followVolumes(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  volumes: readonly CloudVolume[],
): Promise<VolumeItem[]> {
  const items = await readVolumes(context.store, site.connectionKey, site.location);
  const shown = new Map(volumes.map((volume) => [volume.backendId, volume]));
  const left: VolumeItem[] = [];
  for (const item of items) {
    const volume = shown.get(item.backendId);
    if (!volume) await followMissing(context, item);
    else if (item.missingSinceMs !== undefined)
      await noteVolume(context.store, item, { missingSinceMs: undefined });
    if (item.state !== 'Deleting' || !volume) continue;
    left.push(item);
    if (!volume.isLeaving) await remove(context, site, opened, item);
  }
  const unused = items.filter(({ backendId }) => {
    const volume = shown.get(backendId);
    return volume && volume.attachedTo === undefined;
  });
  await endUses(context.store, unused);
  return left;
}

/**
 * Writes `Kept` to the records of volumes that no machine uses, if their launches are over. Until then, a machine of the
 * same launch may still come to use the volume. The poll that sees a machine end writes this, too, but the list that it
 * reads may leave the volume out. Without the write, no user could have the volume removed.
 */
async function endUses(store: Store<'fleets'>, unused: readonly VolumeItem[]): Promise<void> {
  const used = unused.filter(({ state }) => state === 'InUse');
  const refs = used.map(({ instanceId }) => parseInstanceId(instanceId)).filter((ref) => ref !== undefined);
  const records = await readInstances(store, refs);
  for (const item of used) {
    const record = records.get(item.instanceId);
    const isOver = !record || isClosed(record.status) || record.launchToken !== item.launchToken;
    if (isOver) await endVolumeUse(store, item);
  }
}

async function followMissing({ store }: WorkerContext, item: VolumeItem): Promise<void> {
  const nowMs = store.clock.now();
  const { missingSinceMs, state } = item;
  if (missingSinceMs === undefined && state !== 'Deleting') {
    await noteVolume(store, item, { missingSinceMs: nowMs });
  } else if (state === 'Deleting' || nowMs >= (missingSinceMs ?? nowMs) + MISSING_MS) {
    await forgetVolume(store, item);
  }
}

/** Requests the removal of a volume. What the cloud refuses is recorded, and tried again with a growing delay. */
async function remove(
  context: WorkerContext,
  { location }: SiteRef,
  { onTerms }: OpenConnection,
  item: VolumeItem,
): Promise<void> {
  const { store } = context;
  const client = onTerms({ waitMs: PERMIT_WAIT_MS });
  if (!has(client, 'volumes') || !isDue(item.stuck, store.clock.now(), item.removalAskedAtMs)) return;
  try {
    await client.deleteVolume(location, item.backendId);
    if (item.stuck) await noteVolume(store, item, { stuck: undefined });
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit' || error.code === 'Throttled') return;
    context.log.warn('a kept volume could not be removed', {
      backendId: item.backendId,
      code: error.code,
      message: error.message,
    });
    await noteVolume(store, item, { stuck: afterFailure(item.stuck, error, store, error.retryAfterMs) });
  }
}
