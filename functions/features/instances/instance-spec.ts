import { DEPLOYMENT_TAG, INSTANCE_TAG, type InstanceSpec } from '../../drivers/contract/driver.ts';
import type { Failure } from '../../model/failure.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { NetworkItem } from '../../platform/store/networks.ts';
import type { PlaceRef, WorkerContext } from '../../platform/worker/context.ts';
import { securityGroupName } from '../networks/names.ts';

/** What to ask the cloud for, by what the fleet wants and what has been made for it at the place. */
export async function instanceSpec(
  context: WorkerContext,
  place: PlaceRef,
  record: InstanceItem,
): Promise<{ spec: InstanceSpec } | { failure: Failure }> {
  const layout = await context.layout(record.fleetId);
  const group = groupAt(layout.placements, record.index)?.group;
  const networks = await context.networks(record.fleetId, place, record.round);
  const ready = (kind: NetworkItem['kind'], name?: string) =>
    networks.find((item) => item.kind === kind && (name === undefined || item.name === name));
  const network = ready('network');
  const keyPair = ready('key-pair');
  const securityGroup =
    group && ready('security-group', securityGroupName(record.fleetId, place, group.ssh?.allowFrom));
  const imageBackendId = group?.imageBackendIds[place.location];
  if (!group || !network?.backendId || !keyPair?.backendId || !securityGroup?.backendId || !imageBackendId) {
    return { failure: { code: 'NetworkNotReady', message: `no network resources at ${place.location}` } };
  }
  return {
    spec: {
      location: place.location,
      ...(group.zone === undefined ? {} : { zone: group.zone }),
      instanceId: record.instanceId,
      launchToken: record.launchToken,
      instanceType: group.instanceType,
      imageBackendId,
      ...(group.rootDiskGb === undefined ? {} : { rootDiskGb: group.rootDiskGb }),
      ...(group.userData === undefined ? {} : { userData: group.userData }),
      networkBackendId: network.backendId,
      ...(network.subnetBackendId === undefined ? {} : { subnetBackendId: network.subnetBackendId }),
      securityGroupBackendId: securityGroup.backendId,
      keyPairBackendId: keyPair.backendId,
      tags: {
        ...group.labels,
        [INSTANCE_TAG]: record.instanceId,
        [DEPLOYMENT_TAG]: await context.deploymentId(),
      },
    },
  };
}
