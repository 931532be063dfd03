import pLimit from 'p-limit';
import { markRefused } from '../connections/mark-failed.ts';
import { type CreateOutcome, has } from '../drivers/capabilities.ts';
import { type CloudClient, DEPLOYMENT_TAG, INSTANCE_TAG, type InstanceSpec } from '../drivers/driver.ts';
import { DriverError } from '../drivers/errors.ts';
import { slowDown } from '../governor/governor.ts';
import type { Failure } from '../model/failure.ts';
import { securityGroupName } from '../networks/names.ts';
import { groupAt } from '../placement/lay-out.ts';
import { startLooking } from '../status/start-looking.ts';
import type { InstanceItem } from '../store/instances.ts';
import type { NetworkItem } from '../store/networks.ts';
import { updateInstance } from '../store/transition.ts';
import {
  type Disposition,
  DONE,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
  waitFor,
} from '../worker/context.ts';
import { adopt } from './adopt.ts';
import { batchesOf } from './batches.ts';
import { failInstances } from './finish.ts';

/** Calls under way at once in one process; the governor has permitted each of them. */
const CONCURRENT_CALLS = 10;
const MAX_REFUSALS = 6;

/** What follows from a create call. */
type Outcome = { disposition: Disposition } | { failure: Failure };

/** A claimed record, and what to ask the cloud for. */
interface Wanted {
  record: InstanceItem;
  spec: InstanceSpec;
}

/**
 * Makes the create calls of claimed records and writes down what came of each. Where the cloud takes several at once,
 * those that are alike go in one call.
 *
 * @returns for each instance id, whether its message is done or when it should come back
 */
export async function createInstances(
  context: WorkerContext,
  place: PlaceRef,
  records: readonly InstanceItem[],
): Promise<Map<string, Disposition>> {
  if (records.length === 0) return new Map();
  const wanted: Wanted[] = [];
  const outcomes: { record: InstanceItem; outcome: Outcome }[] = [];
  for (const record of records) {
    const spec = await instanceSpec(context, place, record);
    if ('failure' in spec) outcomes.push({ record, outcome: spec });
    else wanted.push({ record, ...spec });
  }
  const opened = await context.open(place.connectionKey);
  const { client } = opened;
  const batches = has(client, 'batch-create')
    ? batchesOf(wanted, client.maxBatchSize)
    : wanted.map((one) => [one]);
  const limit = pLimit(CONCURRENT_CALLS);
  const made = await Promise.all(
    batches.map((batch) => limit(() => createBatch(context, place, opened, batch))),
  );
  outcomes.push(...made.flat());
  await failInstances(
    context,
    place,
    outcomes.flatMap(({ record, outcome }) =>
      'failure' in outcome ? [{ record, failure: outcome.failure }] : [],
    ),
  );
  await startLooking(context, place);
  return new Map(
    outcomes.map(({ record, outcome }) => [
      record.instanceId,
      'failure' in outcome ? DONE : outcome.disposition,
    ]),
  );
}

async function createBatch(
  context: WorkerContext,
  place: PlaceRef,
  { client, connection }: OpenConnection,
  batch: readonly Wanted[],
): Promise<{ record: InstanceItem; outcome: Outcome }[]> {
  const answers = await ask(
    client,
    batch.map(({ spec }) => spec),
  );
  const errors = answers.flatMap((answer) => ('error' in answer ? [answer.error] : []));
  // Once for the call, however many instances it was for.
  let isRotated = false;
  for (const error of new Map(errors.map((one) => [one.code, one])).values()) {
    const failure = { code: error.code, message: error.message };
    if (error.code === 'Throttled') await slowDown(context.store, place, 'create', error.retryAfterMs);
    if (error.code === 'Unauthorized') isRotated = !(await markRefused(context, connection, failure));
  }
  return await Promise.all(
    batch.map(async ({ record }, at) => {
      const answer = answers[at] ?? {
        error: new DriverError('OutcomeUnknown', 'the driver told no outcome'),
      };
      if ('error' in answer)
        return { record, outcome: await consequence(context, record, answer.error, isRotated) };
      await adopt(context, place, record, answer.instance);
      return { record, outcome: { disposition: DONE } };
    }),
  );
}

async function ask(client: CloudClient, specs: readonly InstanceSpec[]): Promise<CreateOutcome[]> {
  const [only] = specs;
  if (specs.length > 1 && has(client, 'batch-create')) return await client.createInstances(specs);
  if (!only) return [];
  try {
    return [{ instance: await client.createInstance(only) }];
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return [{ error }];
  }
}

/**
 * One consequence for each code; the table is in ARCHITECTURE.md.
 *
 * @param isRotated whether another credential than the refused one has come into force
 */
async function consequence(
  context: WorkerContext,
  record: InstanceItem,
  error: DriverError,
  isRotated: boolean,
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
      // The message comes back to learn what it has to wait for.
      return { disposition: waitFor(0) };
    case 'Unauthorized':
      if (!isRotated) return { failure };
      await updateInstance(store, record, { launchState: 'refused' });
      return { disposition: waitFor(1_000) };
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
