import { cloudSchema } from '../../functions/model/cloud.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { connectionKey } from '../../functions/model/identifiers.ts';
import type { LimitOverride, Rate } from '../../functions/model/limit-profile.ts';
import { createConnection, readConnection } from '../../functions/store/connections.ts';
import { createNamespace } from '../../functions/store/namespaces.ts';
import type { CloudConfig } from '../../local/sim/config.ts';
import { statusAt } from '../../local/sim/engine/status.ts';
import { ENDPOINT, limitsOf } from '../../test/chaos/models/clouds.ts';
import { Client } from '../../test/chaos/scenario/client.ts';
import { CALM } from '../../test/chaos/world/disturbance.ts';
import { Ground } from '../../test/chaos/world/ground.ts';
import { Lab, NAMESPACE } from '../../test/chaos/world/lab.ts';
import { Process } from '../../test/chaos/world/process.ts';
import { cloudsWithoutQuotas, type Measured, measure } from './clouds.ts';

/** As production deploys it. */
const DRIVER_CONCURRENCY = 100;
const DRIVER_TIMEOUT_MS = 60_000;
const SWEEP_MS = 15 * 60_000;
const GLANCE_MS = 250;
/** Inventories are read, and everything that follows from it has been written. */
const SETTLED_MS = 60_000;
const PATIENCE_MS = 24 * 60 * 60_000;

/**
 * The shipped code in virtual time over the simulated clouds, with nothing that goes wrong: how long until all of these
 * fleets' instances run.
 *
 * @param overstatedBy how many times the clouds' call rates the connections' limits are
 * @throws Error when they do not come to run
 */
export async function simulate(
  fleets: readonly FleetRequest[],
  overstatedBy: number,
  seed: number,
): Promise<Measured> {
  const ground = new Ground(seed, CALM, false, Number.POSITIVE_INFINITY);
  const clouds = cloudsWithoutQuotas();
  const lab = new Lab(ground, {
    clouds,
    driverConcurrency: DRIVER_CONCURRENCY,
    driverTimeoutMs: DRIVER_TIMEOUT_MS,
    skewMs: 0,
    sweepIntervalMs: SWEEP_MS,
    batchSize: 1,
    onCloudEvent: () => undefined,
  });
  try {
    return await ground.scheduler.run(run(lab, clouds, fleets, overstatedBy));
  } finally {
    lab.tables.takeBack();
  }
}

async function run(
  lab: Lab,
  clouds: Readonly<Record<string, CloudConfig>>,
  fleets: readonly FleetRequest[],
  overstatedBy: number,
): Promise<Measured> {
  const { ground } = lab;
  await connect(lab, clouds, overstatedBy);
  lab.startSchedules();
  const startMs = ground.now();
  const client = new Client(lab);
  const wanted = fleets.flatMap(({ nodeGroups }) => nodeGroups).reduce((sum, { size }) => sum + size, 0);
  await Promise.all(
    fleets.map(async (request, at) => {
      const script = { request, createAtMs: 0, deleteAtMs: [], actions: [] };
      if ((await client.create(script, `fleet-${at}`)) === undefined)
        throw new Error(`fleet ${request.name} was refused`);
    }),
  );
  while (running(lab) < wanted) {
    if (ground.now() - startMs > PATIENCE_MS)
      throw new Error(`${running(lab)} of ${wanted} ran within a day`);
    await ground.sleep(GLANCE_MS);
  }
  return measure(lab.clouds, startMs);
}

const running = ({ clouds, ground }: Lab): number =>
  clouds.places.reduce(
    (sum, { live }) =>
      sum + [...live.values()].filter((one) => statusAt(one, ground.now()) === 'Running').length,
    0,
  );

/** A connection to each cloud, verified, with its catalogue. */
async function connect(
  lab: Lab,
  clouds: Readonly<Record<string, CloudConfig>>,
  overstatedBy: number,
): Promise<void> {
  const { ground } = lab;
  const store = lab.tables.storeOf(new Process('setup', ground, 0));
  await createNamespace(store, { name: NAMESPACE });
  for (const [name, config] of Object.entries(clouds)) {
    const connection = `sim-${name}`;
    lab.credentials.set(connectionKey(NAMESPACE, connection), { account: connection });
    await createConnection(store, {
      namespace: NAMESPACE,
      name: connection,
      driver: 'sim',
      cloud: cloudSchema.parse(name),
      endpoint: ENDPOINT,
      limits: overstated(limitsOf(config), overstatedBy),
      status: 'Verifying',
      createdAt: new Date(ground.now()).toISOString(),
    });
    const verify = { kind: 'verify', connectionKey: connectionKey(NAMESPACE, connection) };
    lab.queue.send(JSON.stringify(verify), 0);
  }
  for (const name of Object.keys(clouds)) {
    while ((await readConnection(store, NAMESPACE, `sim-${name}`))?.inventorySyncedAt === undefined)
      await ground.sleep(1_000);
  }
  await ground.sleep(SETTLED_MS);
}

function overstated({ calls, ...slots }: ReturnType<typeof limitsOf>, by: number): LimitOverride {
  const times = ({ perSecond, burst }: Rate): Rate => ({ perSecond: perSecond * by, burst: burst * by });
  const { create, list, mutate } = calls;
  return { ...slots, calls: { create: times(create), list: times(list), mutate: times(mutate) } };
}
