import type { CloudVolume } from '../../drivers/contract/capabilities.ts';
import type { Connection } from '../../model/connection.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { unmarkConnection } from '../../platform/store/connection-deletion.ts';
import { readConnectionOf } from '../../platform/store/connections.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { Store } from '../../platform/store/store.ts';
import { keepVolume, type VolumeItem } from '../../platform/store/volumes.ts';
import type { Log, OpenConnection } from '../../platform/worker/context.ts';

const TRIES = 5;

interface KeepingContext {
  store: Store<'access' | 'fleets'>;
  log: Pick<Log, 'warn'>;
}

/** A volume that is kept on purpose, with the record of its instance. */
export interface Keeping {
  volume: CloudVolume;
  record: InstanceItem;
}

/**
 * Writes records of volumes that are kept on purpose. Each write is conditional, so that calls may be repeated and run
 * concurrently.
 *
 * @param state `InUse` while the machines exist
 */
export async function keepVolumes(
  context: KeepingContext,
  { connection }: Pick<OpenConnection, 'connection'>,
  kept: readonly Keeping[],
  state: 'InUse' | 'Kept',
): Promise<void> {
  const { store } = context;
  const fleetIds = [...new Set(kept.map(({ record }) => record.fleetId))];
  const fleets = await Promise.all(fleetIds.map((fleetId) => readFleetItem(store, fleetId)));
  const names = new Map(fleets.map((fleet) => [fleet?.fleetId, fleet?.name]));
  for (const { volume, record } of kept) {
    const { fleetId, instanceId, nodeGroup, connectionKey, location, launchToken } = record;
    const item: VolumeItem = {
      connectionKey,
      namespace: record.namespace,
      connection: connection.name,
      cloud: connection.cloud,
      location,
      backendId: volume.backendId,
      fleetId,
      fleetName: names.get(fleetId) ?? fleetId,
      instanceId,
      launchToken: volume.launchToken ?? launchToken,
      nodeGroup,
      state,
      sizeGb: volume.sizeGb,
      ...(volume.type === undefined ? {} : { type: volume.type }),
      ...(volume.zone === undefined ? {} : { zone: volume.zone }),
      ...(volume.usdPerMonth === undefined ? {} : { usdPerMonth: volume.usdPerMonth }),
      ...(volume.createdAtMs === undefined ? {} : { createdAt: isoTime(volume.createdAtMs) }),
    };
    await keepUnlessForgotten(context, connection, item);
  }
}

/**
 * Writes the record of a kept volume. If the connection is marked for deletion, takes the mark away: the request that
 * set the mark may have read the connection's volumes before. It cannot decide the deletion then, and reads the volumes
 * again. If the deletion is decided or finished, the volume is forgotten, and the log names it.
 */
async function keepUnlessForgotten(
  { store, log }: KeepingContext,
  connection: Connection,
  item: VolumeItem,
): Promise<void> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    if ((await keepVolume(store, connection, item)) === 'done') return;
    const now = await readConnectionOf(store, connection);
    if (now?.id !== connection.id || now.deletion?.isDecided) {
      const { backendId, location, instanceId, sizeGb } = item;
      const which = { connection: item.connection, backendId, location, instanceId, sizeGb };
      log.warn('a kept disk has no record, because its connection is deleted', which);
      return;
    }
    if (now.deletion) await unmarkConnection(store, { ...now, deletion: now.deletion });
  }
  throw new Error(`volume ${item.backendId} was not recorded: its connection was marked ${TRIES} times`);
}
