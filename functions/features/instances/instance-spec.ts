import {
  DEPLOYMENT_TAG,
  FLEET_TAG,
  GROUP_TAG,
  INSTANCE_TAG,
  type InstanceSpec,
} from '../../drivers/contract/driver.ts';
import { rootDiskOf } from '../../model/disk.ts';
import type { Failure } from '../../model/failure.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { machineTags } from '../../model/labels.ts';
import { choiceFor } from '../../platform/placement/choose-type.ts';
import { groupAt, sameSite, siteOf } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { userDataOfSpec } from '../fleets/user-data.ts';
import { securityGroupsOfMachine } from '../networks/inbound-rules.ts';
import { keyPairAmong } from '../networks/key-pair.ts';
import { machineNetwork } from '../networks/machine-network.ts';
import { securityGroupAmong } from '../networks/security-group.ts';
import { userKeyOf } from '../networks/user-key.ts';
import { zonesNamed } from './zones.ts';

/** Fields of a node group that are not passed on to a create request. */
type OfTheFleet =
  | 'name'
  | 'size'
  | 'machineNames'
  | 'minimumInstances'
  | 'connection'
  | 'sharedBy'
  | 'driver'
  | 'cloud'
  | 'locations'
  | 'image'
  | 'imageIsGiven'
  | 'pricesUsdPerHour'
  | 'publicIpUsdPerHour'
  | 'disksUsdPerHour'
  | 'disksPrices'
  | 'spotPricesUsdPerHour'
  | 'markets'
  | 'maxOnDemandPercent'
  | 'types'
  | 'instanceType'
  | 'instanceTypes'
  | 'zone'
  | 'zones'
  | 'zonesIn'
  | 'vcpus'
  | 'gpus'
  | 'memoryGb'
  | 'instanceTimeoutSeconds';
type OfTheMachine = Omit<NodeGroup, OfTheFleet>;

/** Builds the create request from the fleet's spec and its network resources at the site. */
export async function instanceSpec(
  context: WorkerContext,
  record: InstanceItem,
): Promise<{ spec: InstanceSpec } | { failure: Failure }> {
  const layout = await context.layout(record.fleetId);
  const group = groupAt(layout.placements, record.index)?.group;
  const networks = await context.networks(record.fleetId, siteOf(record), record.round);
  const network = await machineNetwork(context, record.fleetId, siteOf(record), record.round);
  const notReady = {
    code: 'NetworkNotReady',
    message: `the fleet has no network resources at ${record.location}`,
  };
  if (!group) return { failure: notReady };
  const {
    imageBackendIds,
    rootDiskGb,
    rootDisk: namedDisk,
    dataDisks,
    labels,
    tags,
    userData,
    identity,
    placementGroup,
    metadataOptions,
    ssh,
    ingress,
    publicIp,
    reservationId,
    maxUsdPerHour,
    ...rest
  }: OfTheMachine = group;
  // A new node group field must be listed in OfTheFleet or passed on below. Otherwise this line is a type error.
  rest satisfies Record<string, never>;
  const here = layout.placements.find((one) => sameSite(one, record));
  const groupsHere = here?.ranges.map((range) => range.group) ?? [];
  const ownGroups = () =>
    securityGroupsOfMachine({ name: group.name, ssh, ingress }, groupsHere).map(
      (one) => securityGroupAmong(networks, record.fleetId, record, one)?.backendId,
    );
  const [securityGroup, ...further] = network?.securityGroupIds ?? ownGroups();
  const furtherGroups = further.filter((id) => id !== undefined);
  const keyPair = keyPairAmong(networks, record.fleetId, record, userKeyOf({ ssh }));
  const imageBackendId = imageBackendIds[record.location];
  if (!network || !keyPair?.backendId || !securityGroup || !imageBackendId) {
    return { failure: notReady };
  }
  if (furtherGroups.length < further.length) return { failure: notReady };
  // A network with zones has a subnet in each. The control plane has chosen the record's zone.
  const named = zonesNamed(group, record.location);
  const zone = network.zones || (named && named.length > 1) ? record.zone : named?.[0];
  const inZone = network.zones?.find((one) => one.zone === zone);
  if (network.zones && zone !== undefined && !inZone) {
    const message = `the network at ${record.location} has no subnet in ${zone}, because the cloud made none there`;
    return { failure: { code: 'Unsupported', message, scope: 'zone' } };
  }
  const { type, market } = choiceFor(group, record.location, record);
  const rootDisk = rootDiskOf({ rootDiskGb, rootDisk: namedDisk });
  const subnetBackendId = inZone?.subnetBackendId ?? network.subnetBackendId;
  return {
    spec: {
      location: record.location,
      ...(zone === undefined ? {} : { zone }),
      instanceId: record.instanceId,
      launchToken: record.launchToken,
      instanceType: type.name,
      ...(market === 'on-demand' ? {} : { market }),
      ...(market === 'reserved' && reservationId !== undefined ? { reservationId } : {}),
      ...(market === 'spot' && maxUsdPerHour !== undefined ? { maxUsdPerHour } : {}),
      imageBackendId,
      ...(rootDisk === undefined ? {} : { rootDisk }),
      ...(dataDisks === undefined ? {} : { dataDisks }),
      ...userDataOfSpec(userData),
      ...(identity === undefined ? {} : { identity }),
      ...(placementGroup === undefined ? {} : { placementGroup }),
      ...(metadataOptions === undefined ? {} : { metadataOptions }),
      networkBackendId: network.backendId,
      ...(subnetBackendId === undefined ? {} : { subnetBackendId }),
      securityGroupBackendIds: [securityGroup, ...furtherGroups],
      keyPairBackendId: keyPair.backendId,
      ...(publicIp === undefined ? {} : { publicIp }),
      tags: {
        ...machineTags({ fleetLabels: layout.labels, labels, tags }),
        [FLEET_TAG]: layout.name,
        [GROUP_TAG]: group.name,
        [INSTANCE_TAG]: record.instanceId,
        [DEPLOYMENT_TAG]: await context.deploymentId(),
      },
    },
  };
}
