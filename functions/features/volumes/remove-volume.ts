import type { KeyCaps } from '../../model/caller.ts';
import type { DriverName } from '../../model/connection.ts';
import type { Resource } from '../../model/resource.ts';
import { type CapReached, chargeRemovals } from '../../platform/store/key-caps.ts';
import type { Store } from '../../platform/store/store.ts';
import { askVolumeRemoval } from '../../platform/store/volumes.ts';
import type { SweepMessage } from '../../platform/workflow/messages.ts';
import { keptVolumes, volumeName, volumeView } from './volume-view.ts';

/**
 * Requests the removal of a kept volume. Writes the request first, then asks for a sweep of the site, which makes the
 * call. If the message is lost, the next sweep makes it. A repeated request makes the next try due immediately.
 *
 * @param namespace the namespace whose fleet had the volume
 * @param connections keys and drivers of the connections that the namespace may have fleets on
 * @param caps caps of the API key that asks, and of its ancestors
 * @returns the volume; the cap that the removal would exceed; `in-use` if its machine exists; undefined if there is no such volume
 */
export async function removeVolume(
  store: Store<'fleets'>,
  namespace: string,
  connections: readonly { key: string; driver: DriverName }[],
  name: string,
  send: (driver: DriverName, message: SweepMessage) => Promise<void>,
  caps: readonly KeyCaps[] = [],
): Promise<Resource | 'in-use' | { reached: CapReached } | undefined> {
  const items = await keptVolumes(
    store,
    namespace,
    connections.map(({ key }) => key),
  );
  const item = items.find((one) => volumeName(one) === name);
  const driver = connections.find(({ key }) => key === item?.connectionKey)?.driver;
  if (!item || !driver) return undefined;
  // A removal that was requested before has been counted.
  const reached = item.state === 'Kept' ? await chargeRemovals(store, caps, name, 1) : undefined;
  if (reached) return { reached };
  if (!(await askVolumeRemoval(store, item, store.clock.now()))) return 'in-use';
  const { connectionKey, location } = item;
  await send(driver, { kind: 'sweep', connectionKey, location, dryRun: false, round: 0 });
  return { ...volumeView(item), state: 'Deleting' };
}
