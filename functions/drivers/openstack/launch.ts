import * as z from 'zod';
import { type CloudInstance, DEPLOYMENT_TAG, INSTANCE_TAG, type InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import { launchListsOf } from '../contract/launch-list.ts';
import { machineName } from '../contract/names.ts';
import { encodedUserData } from '../contract/user-data.ts';
import type { Catalogue } from './catalogue.ts';
import { diskFields, refuseWithoutVolumes, volumesFor, withVolumes } from './disks.ts';
import type { Flavor } from './flavors.ts';
import { metadataOf } from './owner.ts';
import { cloudTimeMs, type Region } from './region.ts';
import { LAUNCH_TOKEN_TAG } from './server-answers.ts';
import { serverGroupId } from './server-groups.ts';
import { NEEDS_TAGS } from './servers.ts';

const madeSchema = z.object({ server: z.object({ id: z.string().min(1) }) });

/**
 * Requests one server from Nova. Nova accepts no idempotency key: a second request with the same launch token creates a
 * second server, and lists show both servers. Nova looks for a host only after it has accepted the request. If Nova
 * finds no host, the server gets the status ERROR.
 */
export async function createServer(
  region: Region,
  deploymentId: string,
  spec: InstanceSpec,
  catalogue: Catalogue,
): Promise<CloudInstance> {
  const flavor = await catalogue.flavorFor(region, spec);
  const wanted = volumesFor(spec, flavor);
  await refuseWithoutVolumes(region, flavor, wanted);
  const { body, headers } = await withVolumes(region, deploymentId, spec, wanted, async (ids) =>
    region.exchange('compute', {
      ...(await requestFor(region, deploymentId, [spec], flavor, diskFields(spec, wanted, ids))),
      answer: madeSchema,
    }),
  );
  return {
    backendId: body.server.id,
    instanceId: spec.instanceId,
    launchToken: spec.launchToken,
    status: 'Creating',
    instanceType: spec.instanceType,
    createdAtMs: cloudTimeMs(region, headers),
  };
}

/**
 * Returns the create request for one server, or for several servers that are alike. For several servers, Nova answers
 * with the id of a reservation. @param disks the fields that describe the disks of each server
 */
export async function requestFor(
  region: Region,
  deploymentId: string,
  specs: readonly [InstanceSpec, ...InstanceSpec[]],
  flavor: Flavor,
  disks: object,
) {
  const [spec] = specs;
  if (spec.publicIp) {
    throw new DriverError(
      'Unsupported',
      'the driver gives servers no floating IP: leave publicIp out of the request, or name false',
    );
  }
  const tokens = specs.map(({ launchToken }) => launchToken);
  const { [INSTANCE_TAG]: _, ...tags } = spec.tags;
  const identity: Record<string, string> =
    specs.length === 1
      ? { [INSTANCE_TAG]: spec.instanceId, [LAUNCH_TOKEN_TAG]: spec.launchToken }
      : { [LAUNCH_TOKEN_TAG]: launchListsOf(tokens).join('') };
  const server = {
    name: machineName(deploymentId, spec.launchToken),
    flavorRef: flavor.id,
    networks: [{ uuid: spec.networkBackendId }],
    security_groups: spec.securityGroupBackendIds.map((name) => ({ name })),
    key_name: spec.keyPairBackendId,
    availability_zone: spec.zone,
    user_data: encodedUserData(spec),
    metadata: {
      ...metadataOf(tags),
      ...identity,
      [DEPLOYMENT_TAG]: deploymentId,
      [NEEDS_TAGS.network]: spec.networkBackendId,
      [NEEDS_TAGS['security-group']]: spec.securityGroupBackendIds.join(','),
    },
    // The launch tokens are tags, too, because Nova can filter lists by tags, but not by metadata.
    tags: tokens,
    ...disks,
  };
  const { placementGroup } = spec;
  const hints =
    placementGroup === undefined
      ? {}
      : { 'os:scheduler_hints': { group: await serverGroupId(region, placementGroup) } };
  const several = { min_count: specs.length, max_count: specs.length, return_reservation_id: true };
  return {
    kind: 'create' as const,
    machines: specs.length,
    method: 'POST' as const,
    path: ['servers'],
    body: { server: specs.length === 1 ? server : { ...server, ...several }, ...hints },
  };
}
