import pLimit from 'p-limit';
import { type CallGate, Permit } from '../../functions/drivers/contract/call-gate.ts';
import type { CloudClient } from '../../functions/drivers/contract/driver.ts';
import { DriverError } from '../../functions/drivers/contract/errors.ts';
import {
  keyPairName,
  networkName,
  securityGroupName,
} from '../../functions/features/networks/network-names.ts';
import { cloudSchema } from '../../functions/model/cloud.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { instanceId, launchToken, makeFleetId } from '../../functions/model/identifiers.ts';
import type { SiteRef } from '../../functions/platform/worker/context.ts';
import type { CloudConfig } from '../../local/sim/engine/config.ts';
import { createdAtMs } from '../../local/sim/engine/status.ts';
import { CALM } from '../../test/chaos/ground/disturbance.ts';
import { Ground } from '../../test/chaos/ground/ground.ts';
import { Process } from '../../test/chaos/ground/process.ts';
import { Clouds, DEPLOYMENT, ENDPOINT } from '../../test/chaos/models/clouds.ts';
import { cloudsFor, type Measured, measure } from './clouds.ts';
import { sizeOf } from './fleets.ts';

/** The baseline has no governor: each call to a cloud is sent immediately. */
const UNGOVERNED: CallGate = { send: (call, request) => request(new Permit(call)) };

const MAX_SLEEP_MS = 5_000;

/**
 * Simulates the baseline: a simple way to launch fleets, with which Fleetwright is compared. Each fleet has a
 * semaphore for the locations of each connection, and one for the instances at each location. Before each
 * create call, the launch sleeps for a random time of up to five seconds. The launch repeats a throttled
 * call, frees its place at the location as soon as the instance runs, and makes no status calls.
 */
export async function simulateBaseline(fleets: readonly FleetRequest[], seed: number): Promise<Measured> {
  const ground = new Ground(seed, CALM, false, Number.POSITIVE_INFINITY);
  const configs = cloudsFor(sizeOf(fleets));
  const clouds = new Clouds(ground, {
    clouds: configs,
    isDirect: true,
    onCloudEvent: () => undefined,
  });
  return await ground.scheduler.run(
    (async () => {
      const startMs = ground.now();
      await Promise.all(fleets.map((fleet) => runRequest(ground, clouds, configs, fleet)));
      return measure(clouds, startMs);
    })(),
  );
}

async function runRequest(
  ground: Ground,
  clouds: Clouds,
  configs: Readonly<Record<string, CloudConfig>>,
  { nodeGroups }: FleetRequest,
): Promise<void> {
  const fleetId = makeFleetId(ground.now(), () => ground.random.next());
  let positions = 0;
  const driver = clouds.driverOf(new Process('peer', ground, 0));
  const byConnection = Map.groupBy(nodeGroups, ({ connection }) => connection);
  await Promise.all(
    [...byConnection].map(async ([connection, groups]) => {
      const cloud = cloudSchema.parse(connection.replace(/^sim-/, ''));
      const slots = configs[cloud]?.slots;
      if (!slots) throw new Error(`no cloud ${cloud}`);
      const options = {
        cloud,
        credential: { account: connection },
        endpoint: ENDPOINT,
        deploymentId: DEPLOYMENT,
        calls: UNGOVERNED,
      };
      const client = driver.connect(options);
      const atLocation = Map.groupBy(
        groups.flatMap(({ size, locations, instanceType = '', image }) =>
          Array.from({ length: size }, (_, index) => ({
            location: locations[index % locations.length] ?? '',
            instanceType,
            image,
          })),
        ),
        ({ location }) => location,
      );
      const locationSlot = pLimit(slots.locations ?? Number.POSITIVE_INFINITY);
      await Promise.all(
        [...atLocation].map(([location, wanted]) =>
          locationSlot(async () => {
            const images = await insistently(ground, () => client.listImages(location));
            const site = await furnish(ground, client, fleetId, { connectionKey: connection, location });
            const instanceSlot = pLimit(slots.instancesPerLocation ?? Number.POSITIVE_INFINITY);
            await Promise.all(
              wanted.map(({ instanceType, image }) =>
                instanceSlot(async () => {
                  const id = instanceId({ fleetId, index: positions++ });
                  const imageBackendId = images.find((one) => one.name === image)?.backendId ?? '';
                  await launch(ground, clouds, client, { ...site, instanceType, imageBackendId, id });
                }),
              ),
            );
          }),
        ),
      );
    }),
  );
}

interface Furnished {
  location: string;
  networkBackendId: string;
  securityGroupBackendIds: [string];
  keyPairBackendId: string;
}

/** Repeats a call until the cloud does not throttle it. Sleeps for a random time before each repetition. */
async function insistently<Answer>(ground: Ground, call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof DriverError && error.code === 'Throttled')) throw error;
      await ground.sleep(ground.random.between(0, MAX_SLEEP_MS));
    }
  }
}

async function furnish(
  ground: Ground,
  client: CloudClient,
  fleetId: string,
  site: SiteRef,
): Promise<Furnished> {
  const { location } = site;
  const tags = {};
  const network = await insistently(ground, () =>
    client.ensureNetwork({ location, name: networkName(fleetId, site), cidr: '10.0.0.0/16', tags }),
  );
  const securityGroup = await insistently(ground, () =>
    client.ensureSecurityGroup({
      location,
      name: securityGroupName(fleetId, site, []),
      networkBackendId: network.backendId,
      rules: [],
      tags,
    }),
  );
  const name = keyPairName(fleetId, site);
  const keyPair = await insistently(ground, () =>
    client.ensureKeyPair({ location, name, publicKey: 'ssh-rsa AAAA peer', tags }),
  );
  return {
    location,
    networkBackendId: network.backendId,
    securityGroupBackendIds: [securityGroup.backendId],
    keyPairBackendId: keyPair.backendId,
  };
}

async function launch(
  ground: Ground,
  { sites }: Clouds,
  client: CloudClient,
  { id, ...spec }: Furnished & { instanceType: string; imageBackendId: string; id: string },
): Promise<void> {
  for (;;) {
    await ground.sleep(ground.random.between(0, MAX_SLEEP_MS));
    try {
      const asked = { ...spec, instanceId: id, launchToken: launchToken(id, 1), tags: {} };
      const { backendId } = await client.createInstance(asked);
      const made = sites.flatMap(({ live }) => live.get(backendId) ?? [])[0];
      if (!made) throw new Error(`the clouds have no machine ${backendId}`);
      await ground.sleep(Math.max(0, createdAtMs(made) + made.bootMs - ground.now()));
      return;
    } catch (error) {
      if (!(error instanceof DriverError && error.code === 'Throttled')) throw error;
    }
  }
}
