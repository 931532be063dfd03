import type { CloudVolume } from '../../drivers/contract/capabilities.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { keepVolume, type VolumeItem } from '../../platform/store/volumes.ts';
import type { OpenConnection, WorkerContext } from '../../platform/worker/context.ts';

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
  { store }: WorkerContext,
  { connection }: OpenConnection,
  kept: readonly Keeping[],
  state: 'InUse' | 'Kept',
): Promise<void> {
  const fleetIds = [...new Set(kept.map(({ record }) => record.fleetId))];
  const fleets = await Promise.all(fleetIds.map((fleetId) => readFleetItem(store, fleetId)));
  const names = new Map(fleets.map((fleet) => [fleet?.fleetId, fleet?.name]));
  for (const { volume, record } of kept) {
    const { fleetId, instanceId, nodeGroup, connectionKey, location, launchToken } = record;
    const item: VolumeItem = {
      connectionKey,
      namespace: connection.namespace,
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
    await keepVolume(store, item);
  }
}
