import type { DriverName } from '../../model/connection.ts';
import type { Resource } from '../../model/resource.ts';
import type { Store } from '../../platform/store/store.ts';
import { askVolumeRemoval } from '../../platform/store/volumes.ts';
import type { SweepMessage } from '../../platform/workflow/messages.ts';
import { keptVolumes, volumeName, volumeView } from './volume-view.ts';

/**
 * Requests the removal of a kept volume. Writes the request first, then asks for a sweep of the site, which makes the
 * call. If the message is lost, the next sweep makes it. A repeated request makes the next try due immediately.
 *
 * @param connections keys and drivers of the namespace's connections
 * @returns the volume; `in-use` if its machine exists; undefined if there is no such volume
 */
export async function removeVolume(
  store: Store<'fleets'>,
  connections: readonly { key: string; driver: DriverName }[],
  name: string,
  send: (driver: DriverName, message: SweepMessage) => Promise<void>,
): Promise<Resource | 'in-use' | undefined> {
  const items = await keptVolumes(
    store,
    connections.map(({ key }) => key),
  );
  const item = items.find((one) => volumeName(one) === name);
  const driver = connections.find(({ key }) => key === item?.connectionKey)?.driver;
  if (!item || !driver) return undefined;
  if (!(await askVolumeRemoval(store, item, store.clock.now()))) return 'in-use';
  const { connectionKey, location } = item;
  await send(driver, { kind: 'sweep', connectionKey, location, dryRun: false, round: 0 });
  return { ...volumeView(item), state: 'Deleting' };
}
