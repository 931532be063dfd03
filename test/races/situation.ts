import type { OperationInput, OperationOutput } from '../../functions/entrypoints/api/contract.ts';
import type { Fleet } from '../../functions/model/fleet.ts';
import { type FleetRequest, fleetRequestSchema } from '../../functions/model/fleet-request.ts';
import { type CloudConfig, cloudConfigSchema } from '../../local/sim/engine/config.ts';
import { ENDPOINT, limitsOf } from '../chaos/models/clouds.ts';
import type { Lab } from '../chaos/world/lab.ts';

/** Names of the namespace, connection, fleet and instance to which the racing requests refer. */
export const TEAM = 'team';
/** Another namespace, with which the connection may be shared. */
export const GUESTS = 'guests';
export const MAIN = 'main';
export const WEB = 'web';
export const ONE = 'one';
export const FIRST_SECRET = 'secret-of-the-first';

export const LOCATION = 'east-1';
/**
 * Instance quota of the connection at the cloud. A fleet that requests more instances runs only partially.
 */
const INSTANCE_QUOTA = 4;
export const WEB_SIZE = 2;
const SHORT_SIZE = INSTANCE_QUOTA + 1;

/** What exists when a race begins. */
export interface Situation {
  namespace: 'absent' | 'there';
  connection: 'absent' | 'ready' | 'disabled';
  /** Whether the connection is shared with `GUESTS`. */
  share: 'absent' | 'there';
  fleet: 'absent' | 'preparing' | 'running' | 'held' | 'short';
  instance: 'absent' | 'running';
}

export const CLOUD: CloudConfig = cloudConfigSchema.parse({
  slots: { locations: 1, instancesPerLocation: 10 },
  rates: {
    create: { perSecond: 10, burst: 20 },
    list: { perSecond: 10, burst: 20 },
    mutate: { perSecond: 20, burst: 40 },
  },
  submitMs: [50, 100],
  bootSeconds: [1, 2],
  terminateSeconds: [1, 2],
  instanceQuota: INSTANCE_QUOTA,
  ids: {
    instance: 'i-{hex12}',
    network: 'net-{hex12}',
    subnet: 'sub-{hex12}',
    securityGroup: 'sg-{hex12}',
    keyPair: 'key-{hex12}',
  },
  locations: {
    [LOCATION]: { displayName: 'East', country: 'DEU', latitude: 0, longitude: 0, zones: [`${LOCATION}a`] },
  },
  instanceTypes: { small: { vcpus: 2, memoryGb: 4, usdPerHour: 0.05 } },
  images: { linux: { backendId: 'img-{hex8}', description: 'Linux' } },
});

/** Parts of a request that are empty in most moves (racing requests). */
export const plainly = { query: {}, body: undefined, idempotencyKey: undefined };
export const ofTeam = { namespace: TEAM };
export const ofMain = { namespace: TEAM, connection: MAIN };
export const ofWeb = { namespace: TEAM, fleet: WEB };

export function connectionBody(secret: string): OperationInput<'createConnection'>['body'] {
  return {
    name: MAIN,
    driver: 'sim',
    cloud: 'aws',
    endpoint: ENDPOINT,
    credential: { account: MAIN, apiKey: secret },
    limits: limitsOf(CLOUD),
  };
}

export function fleetBody(size: number, changes: Partial<FleetRequest> = {}): FleetRequest {
  return fleetRequestSchema.parse({
    name: WEB,
    failurePolicy: 'continue',
    nodeGroups: [{ name: 'all', size, locations: [LOCATION], ...machine }],
    ...changes,
  });
}

const machine = { connection: MAIN, instanceType: 'small', image: 'linux' };
export const instanceBody = { name: ONE, location: LOCATION, ...machine };

/** Creates a situation by requests to the API. */
export async function bringAbout(lab: Lab, wanted: Situation): Promise<void> {
  if (wanted.namespace === 'absent') return;
  await lab.requestAccess((api) => api.createNamespace({ ...plainly, params: {}, body: { name: TEAM } }));
  await lab.requestAccess((api) => api.createNamespace({ ...plainly, params: {}, body: { name: GUESTS } }));
  if (wanted.connection === 'absent') return;
  await lab.requestConnections((api) =>
    api.createConnection({ ...plainly, params: ofTeam, body: connectionBody(FIRST_SECRET) }),
  );
  await until(
    lab,
    () => connection(lab),
    ({ inventorySyncedAt }) => inventorySyncedAt !== undefined,
  );
  await lab.ground.sleep(READ_LAG_MS);
  if (wanted.instance === 'running') {
    await lab.request((api) => api.createInstance({ ...plainly, params: ofTeam, body: instanceBody }));
    await until(
      lab,
      () => fleet(lab, ONE),
      ({ status }) => status === 'Running',
    );
  }
  if (wanted.share === 'there')
    await lab.requestConnections((api) =>
      api.shareConnection({ ...plainly, params: { ...ofMain, target: GUESTS } }),
    );
  if (wanted.fleet !== 'absent') await bringFleetAbout(lab, wanted.fleet);
  if (wanted.connection === 'disabled')
    await lab.requestConnections((api) => api.disableConnection({ ...plainly, params: ofMain }));
}

async function bringFleetAbout(lab: Lab, wanted: Exclude<Situation['fleet'], 'absent'>): Promise<void> {
  const body =
    wanted === 'held'
      ? fleetBody(WEB_SIZE, { hold: {} })
      : fleetBody(wanted === 'short' ? SHORT_SIZE : WEB_SIZE);
  await lab.request((api) => api.createFleet({ ...plainly, params: ofTeam, body }));
  if (wanted === 'running')
    await until(
      lab,
      () => fleet(lab, WEB),
      ({ status }) => status === 'Running',
    );
  if (wanted === 'short')
    await until(
      lab,
      () => fleet(lab, WEB),
      ({ status }) => status === 'PartiallyRunning',
    );
}

async function connection(lab: Lab): Promise<OperationOutput<'getConnection'>> {
  return (await lab.requestConnections((api) => api.getConnection({ ...plainly, params: ofMain }))).body;
}

async function fleet(lab: Lab, name: string): Promise<Fleet> {
  const params = { namespace: TEAM, fleet: name };
  return (await lab.request((api) => api.getFleet({ ...plainly, params }))).body;
}

/** Time in ms after a write until every read sees the write. */
const READ_LAG_MS = 5_000;
const PATIENCE_MS = 30 * 60_000;

async function until<Seen>(lab: Lab, read: () => Promise<Seen>, holds: (seen: Seen) => boolean) {
  const deadlineMs = lab.ground.now() + PATIENCE_MS;
  for (;;) {
    const seen = await read();
    if (holds(seen)) return;
    if (lab.ground.now() > deadlineMs)
      throw new Error(`the situation was not reached in time; last seen: ${JSON.stringify(seen)}`);
    await lab.ground.sleep(500);
  }
}
