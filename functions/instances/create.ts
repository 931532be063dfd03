import pLimit from 'p-limit';
import { markConnectionFailed } from '../connections/mark-failed.ts';
import { DEPLOYMENT_TAG, INSTANCE_TAG, type InstanceSpec } from '../drivers/driver.ts';
import { DriverError } from '../drivers/errors.ts';
import { slowDown } from '../governor/governor.ts';
import type { Failure } from '../model/failure.ts';
import { securityGroupName } from '../networks/names.ts';
import { groupAt } from '../placement/lay-out.ts';
import { startLooking } from '../status/start-looking.ts';
import type { InstanceItem } from '../store/instances.ts';
import type { NetworkItem } from '../store/networks.ts';
import { updateInstance } from '../store/transition.ts';
import { type Disposition, DONE, type PlaceRef, type WorkerContext, waitFor } from '../worker/context.ts';
import { adopt } from './adopt.ts';
import { failInstances } from './finish.ts';

/** Calls under way at once in one process; the governor has permitted each of them. */
const CONCURRENT_CALLS = 10;
const MAX_REFUSALS = 6;

/** What follows from a create call. */
type Outcome = { disposition: Disposition } | { failure: Failure };

/**
 * Makes the create calls of claimed records and writes down what came of each.
 *
 * @returns for each instance id, whether its message is done or when it should come back
 */
export async function createInstances(
  context: WorkerContext,
  place: PlaceRef,
  records: readonly InstanceItem[],
): Promise<Map<string, Disposition>> {
  const limit = pLimit(CONCURRENT_CALLS);
  const outcomes = await Promise.all(
    records.map((record) =>
      limit(async () => ({ record, outcome: await createInstance(context, place, record) })),
    ),
  );
  await failInstances(
    context,
    place,
    outcomes.flatMap(({ record, outcome }) =>
      'failure' in outcome ? [{ record, failure: outcome.failure }] : [],
    ),
  );
  if (records.length > 0) await startLooking(context, place);
  return new Map(
    outcomes.map(({ record, outcome }) => [
      record.instanceId,
      'failure' in outcome ? DONE : outcome.disposition,
    ]),
  );
}

async function createInstance(
  context: WorkerContext,
  place: PlaceRef,
  record: InstanceItem,
): Promise<Outcome> {
  const { client } = await context.open(place.connectionKey);
  const spec = await instanceSpec(context, place, record);
  if ('failure' in spec) return spec;
  try {
    const made = await client.createInstance(spec.spec);
    await adopt(context, place, record, made);
    return { disposition: DONE };
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return await consequence(context, place, record, error);
  }
}

/** One consequence for each code; the table is in ARCHITECTURE.md. */
async function consequence(
  context: WorkerContext,
  place: PlaceRef,
  record: InstanceItem,
  error: DriverError,
): Promise<Outcome> {
  const { store } = context;
  const failure = { code: error.code, message: error.message };
  context.log.warn('create was not accepted', {
    instanceId: record.instanceId,
    code: error.code,
    cloudCode: error.cloudCode,
    message: error.message,
  });
  switch (error.code) {
    case 'Throttled':
      await slowDown(store, place, 'create', error.retryAfterMs);
      await updateInstance(store, record, { launchState: 'refused' });
      return { disposition: waitFor(error.retryAfterMs ?? 1_000) };
    case 'Unavailable': {
      const refusals = record.refusals + 1;
      if (refusals > MAX_REFUSALS) return { failure };
      await updateInstance(store, record, { launchState: 'refused', refusals });
      return { disposition: waitFor(1_000 * 2 ** refusals) };
    }
    case 'OutcomeUnknown':
    case 'Conflict':
      await updateInstance(store, record, {
        launchState: 'unknown',
        unknownSinceMs: store.clock.now(),
      });
      return { disposition: waitFor(context.driver.consistencyWindowMs) };
    case 'Unauthorized':
      context.forget(place.connectionKey);
      await markConnectionFailed(store, place.connectionKey, failure);
      return { failure };
    case 'InsufficientCapacity':
    case 'QuotaExceeded':
    case 'InvalidRequest':
    case 'Unsupported':
    case 'NotFound':
      return { failure };
  }
}

async function instanceSpec(
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
        [DEPLOYMENT_TAG]: context.deploymentId,
      },
    },
  };
}
