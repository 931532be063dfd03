import { DEPLOYMENT_TAG, INSTANCE_TAG, type InstanceSpec } from '../contract/driver.ts';
import { diskName, machineName } from '../contract/names.ts';

/** Returns what a create call says about one machine. */
export function createBody(spec: InstanceSpec, deploymentId: string): object {
  const nameOfDisk = (disk: number | 'root') => diskName(deploymentId, spec.launchToken, disk);
  return {
    name: machineName(deploymentId, spec.launchToken),
    launchToken: spec.launchToken,
    instanceType: spec.instanceType,
    imageId: spec.imageBackendId,
    zone: spec.zone,
    rootDisk: spec.rootDisk && { ...spec.rootDisk, name: nameOfDisk('root') },
    dataDisks: spec.dataDisks?.map((disk, place) => ({ ...disk, name: nameOfDisk(place) })),
    userData: spec.userData,
    userDataBase64: spec.userDataBase64,
    identity: spec.identity,
    placementGroup: spec.placementGroup,
    metadataOptions: spec.metadataOptions,
    networkId: spec.networkBackendId,
    subnetId: spec.subnetBackendId,
    securityGroupIds: spec.securityGroupBackendIds,
    keyPairId: spec.keyPairBackendId,
    publicIp: spec.publicIp,
    market: spec.market,
    reservationId: spec.reservationId,
    maxUsdPerHour: spec.maxUsdPerHour,
    tags: { ...spec.tags, [DEPLOYMENT_TAG]: deploymentId, [INSTANCE_TAG]: spec.instanceId },
  };
}
