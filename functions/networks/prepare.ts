import { DEPLOYMENT_TAG } from '../drivers/driver.ts';
import { DriverError } from '../drivers/errors.ts';
import { permitCalls, slowDown } from '../governor/governor.ts';
import { isoTime } from '../runtime/clock.ts';
import { readFleetItem } from '../store/fleets.ts';
import {
  claimNetwork,
  intendNetwork,
  type NetworkItem,
  readNetworks,
  recordNetwork,
} from '../store/networks.ts';
import { blockPlacement } from '../store/placements.ts';
import {
  type Disposition,
  DONE,
  governed,
  type OpenConnection,
  type PlaceRef,
  samePlace,
  type WorkerContext,
  waitFor,
} from '../worker/context.ts';
import { LAUNCH_ABANDONED, type PrepareNetworksMessage } from '../workflow/messages.ts';
import { keyPairName, networkName, securityGroupName } from './names.ts';

const CLAIM_MS = 90_000;
const NETWORK_CIDR = '10.0.0.0/16';

/** What became of one resource in this delivery of the message. */
type Progress = 'ready' | { waitMs: number } | { failure: { code: string; message: string } };

/**
 * Makes the network, the security groups and the key pair of a fleet at a place, each once, however many
 * messages ask. Records come first; the answer to the workflow last, when all are ready.
 */
export async function prepareNetworks(
  context: WorkerContext,
  message: PrepareNetworksMessage,
): Promise<Disposition> {
  const { fleetId, taskToken, connectionKey, location } = message;
  const place = { connectionKey, location };
  const wanted = await wantedNetworks(context, fleetId, place);
  const known = new Set((await readNetworks(context.store, { fleetId, ...place })).map(({ name }) => name));
  for (const item of wanted) {
    if (known.has(item.name)) continue;
    if ((await intendNetwork(context.store, item)) === 'closed') {
      await context.tasks.fail(taskToken, LAUNCH_ABANDONED, 'the fleet is being removed');
      return DONE;
    }
  }
  const opened = await context.open(connectionKey);
  const items = await readNetworks(context.store, { fleetId, ...place });
  const network = items.find(({ kind }) => kind === 'network');
  if (!network) throw new Error(`no record of the network of ${fleetId} at ${location}`);
  const first = await ensure(context, place, opened, network, network);
  const rest =
    first === 'ready'
      ? await readNetworks(context.store, { fleetId, ...place }).then((now) => {
          const made = now.find(({ kind }) => kind === 'network') ?? network;
          return Promise.all(
            now
              .filter(({ kind }) => kind !== 'network')
              .map((item) => ensure(context, place, opened, item, made)),
          );
        })
      : [];
  return await settle(context, message, [first, ...rest]);
}

async function settle(
  context: WorkerContext,
  { fleetId, taskToken, connectionKey, location }: PrepareNetworksMessage,
  progress: readonly Progress[],
): Promise<Disposition> {
  for (const one of progress) {
    if (one === 'ready' || !('failure' in one)) continue;
    await blockPlacement(context.store, { fleetId, connectionKey, location }, one.failure);
    await context.tasks.fail(taskToken, one.failure.code, one.failure.message);
    return DONE;
  }
  const waits = progress.flatMap((one) => (one !== 'ready' && 'waitMs' in one ? [one.waitMs] : []));
  if (waits.length > 0) return waitFor(Math.max(...waits));
  await context.tasks.succeed(taskToken, { outcome: 'Ready' });
  return DONE;
}

/** The records that the fleet's groups at this place call for. */
async function wantedNetworks(
  context: WorkerContext,
  fleetId: string,
  place: PlaceRef,
): Promise<NetworkItem[]> {
  const layout = await context.layout(fleetId);
  const placement = layout.placements.find((one) => samePlace(one, place));
  if (!placement) throw new RangeError(`fleet ${fleetId} has no placement at ${place.location}`);
  const groups = placement.ranges.map(({ group }) => group);
  const item = (kind: NetworkItem['kind'], name: string, neededBy: string[]): NetworkItem => ({
    fleetId,
    ...place,
    kind,
    name,
    status: 'Creating',
    claimUntilMs: 0,
    neededBy,
    createdAt: isoTime(context.store.clock.now()),
  });
  const everyone = groups.map(({ name }) => name);
  const byRule = Map.groupBy(groups, ({ ssh }) => ssh?.allowFrom);
  return [
    item('network', networkName(fleetId, place), everyone),
    item('key-pair', keyPairName(fleetId, place), everyone),
    ...[...byRule].map(([allowFrom, members]) => ({
      ...item(
        'security-group',
        securityGroupName(fleetId, place, allowFrom),
        members.map(({ name }) => name),
      ),
      ...(allowFrom === undefined ? {} : { sshFrom: allowFrom }),
    })),
  ];
}

async function ensure(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  item: NetworkItem,
  network: NetworkItem,
): Promise<Progress> {
  if (item.status === 'Ready') return 'ready';
  const nowMs = context.store.clock.now();
  if (item.claimUntilMs > nowMs) return { waitMs: Math.min(item.claimUntilMs - nowMs, 2_000) };
  const permit = await permitCalls(context.store, governed(place, opened), 'mutate', 1);
  if (permit.granted === 0) return { waitMs: permit.retryAfterMs };
  const claimed = { ...item, claimUntilMs: nowMs + CLAIM_MS };
  if (!(await claimNetwork(context.store, item, 'Creating', claimed.claimUntilMs))) return { waitMs: 1_000 };
  try {
    const made = await callDriver(context, place, opened, item, network);
    await recordNetwork(context.store, claimed, { status: 'Ready', ...made });
    return 'ready';
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    await recordNetwork(context.store, claimed, {});
    context.log.warn('network resource was not made', {
      name: item.name,
      code: error.code,
      message: error.message,
    });
    return await afterError(context, place, error);
  }
}

async function callDriver(
  context: WorkerContext,
  place: PlaceRef,
  { client }: OpenConnection,
  item: NetworkItem,
  network: NetworkItem,
): Promise<{ backendId: string; subnetBackendId?: string }> {
  const base = {
    location: place.location,
    name: item.name,
    tags: { [DEPLOYMENT_TAG]: context.deploymentId },
  };
  switch (item.kind) {
    case 'network':
      return await client.ensureNetwork({ ...base, cidr: NETWORK_CIDR });
    case 'key-pair': {
      const publicKey = (await readFleetItem(context.store, item.fleetId))?.sshPublicKey;
      if (!publicKey) throw new Error(`fleet ${item.fleetId} has no SSH key`);
      return await client.ensureKeyPair({ ...base, publicKey });
    }
    case 'security-group': {
      if (!network.backendId) throw new Error(`network ${network.name} is not ready`);
      return await client.ensureSecurityGroup({
        ...base,
        networkBackendId: network.backendId,
        ...(item.sshFrom === undefined ? {} : { sshFrom: item.sshFrom }),
      });
    }
  }
}

/** Ensuring is idempotent by name, so that an unknown outcome is asked for again like a refusal. */
async function afterError(context: WorkerContext, place: PlaceRef, error: DriverError): Promise<Progress> {
  switch (error.code) {
    case 'Throttled':
      await slowDown(context.store, place, 'mutate', error.retryAfterMs);
      return { waitMs: error.retryAfterMs ?? 1_000 };
    case 'Unavailable':
    case 'OutcomeUnknown':
      return { waitMs: 5_000 };
    default:
      return { failure: { code: error.code, message: error.message } };
  }
}
