import { createHash } from 'node:crypto';
import type { Resource } from '../../model/resource.ts';
import type { Store } from '../../platform/store/store.ts';
import { stuckView } from '../../platform/store/stuck.ts';
import { readVolumes, type VolumeItem } from '../../platform/store/volumes.ts';

/** Returns the name of a kept volume for users. It is derived from the cloud's id, which may not be fit for a path. */
export function volumeName({ connectionKey, location, backendId }: VolumeItem): string {
  const digest = createHash('sha256').update(`${connectionKey}#${location}#${backendId}`).digest('hex');
  return `v${digest.slice(0, 16)}`;
}

/** Reads a namespace's kept volumes on some connections, in the order of their names. */
export async function keptVolumes(
  store: Store<'fleets'>,
  namespace: string,
  connectionKeys: readonly string[],
): Promise<VolumeItem[]> {
  const items = (await Promise.all(connectionKeys.map((key) => readVolumes(store, key)))).flat();
  const own = items.filter((item) => item.namespace === namespace);
  return own.sort((one, other) => (volumeName(one) < volumeName(other) ? -1 : 1));
}

const STATES = { InUse: 'Ready', Kept: 'Kept', Deleting: 'Deleting' } as const satisfies Record<
  VolumeItem['state'],
  Resource['state']
>;

export function volumeView(item: VolumeItem): Resource {
  return {
    name: volumeName(item),
    kind: 'volume',
    fleet: { id: item.fleetId, name: item.fleetName },
    cloud: item.cloud,
    connection: item.connection,
    location: item.location,
    state: STATES[item.state],
    neededBy: [item.nodeGroup],
    liveInstances: item.state === 'InUse' ? 1 : 0,
    instanceId: item.instanceId,
    sizeGb: item.sizeGb,
    ...(item.type === undefined ? {} : { diskType: item.type }),
    ...(item.usdPerMonth === undefined ? {} : { usdPerMonth: item.usdPerMonth }),
    ...(item.stuck === undefined ? {} : { stuck: stuckView(item.stuck) }),
    ...(item.createdAt === undefined ? {} : { createdAt: item.createdAt }),
    backendId: item.backendId,
  };
}
