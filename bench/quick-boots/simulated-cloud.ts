import { randomBytes } from 'node:crypto';
import { accountKey } from '../../local/sim/engine/account-key.ts';
import { readBooks } from '../../local/sim/engine/books.ts';
import { type CloudConfig, loadSimConfig, type SimConfig } from '../../local/sim/engine/config.ts';
import { startSimServer } from '../../local/sim/serve.ts';
import { MOST_LOCATIONS } from './cases.ts';
import {
  type CloudOptions,
  LOCATION_SLOTS,
  newConnectionName,
  type QuickCloud,
  SLOTS,
} from './quick-cloud.ts';

const CLOUD = 'aws';
const ACCOUNT = 'quick-boots';
const SUBMIT_MS = 100;

/**
 * Opens the simulated AWS with machines that boot quickly. All limits except the slots and the create rate
 * are the defaults.
 */
export async function openSimulatedCloud(
  seed: number,
  { bootSeconds, createsPerSecond, seenByFunctions }: CloudOptions,
): Promise<QuickCloud> {
  const config = quickConfig(loadSimConfig(), bootSeconds, createsPerSecond);
  const quick = cloudOf(config);
  const simKey = randomBytes(32).toString('base64url');
  const server = await startSimServer({
    config,
    port: 0,
    seed,
    simKey,
    allowHosts: [new URL(seenByFunctions('http://127.0.0.1')).hostname],
  });
  const { world } = server.engine;
  const { create } = quick.rates;
  const name = newConnectionName();
  return {
    connection: {
      name,
      driver: 'sim',
      cloud: CLOUD,
      credential: { account: ACCOUNT, apiKey: accountKey(simKey, ACCOUNT) },
      endpoint: seenByFunctions(server.url),
      limits: {
        concurrentLocations: LOCATION_SLOTS,
        concurrentInstancesPerLocation: SLOTS,
        calls: quick.rates,
      },
    },
    offered: {
      connection: name,
      locations: Object.keys(quick.locations).slice(0, MOST_LOCATIONS),
      instanceType: 't3.micro',
      image: 'ubuntu-24.04',
    },
    limits: {
      [CLOUD]: {
        locationSlots: LOCATION_SLOTS,
        instanceSlotsPerLocation: SLOTS,
        createsPerSecond: create.perSecond,
        createBurst: create.burst,
      },
    },
    books: () => readBooks(world),
    countLeft: () =>
      readBooks(world).clouds.reduce(
        (sum, { instances, networks, securityGroups, keyPairs }) =>
          sum +
          instances.filter(({ status }) => status !== 'Terminated').length +
          networks.length +
          securityGroups.length +
          keyPairs.length,
        0,
      ),
    close: () => server.close(),
  };
}

function cloudOf({ clouds }: SimConfig): CloudConfig {
  const cloud = clouds[CLOUD];
  if (!cloud) throw new Error(`the simulated clouds have no ${CLOUD}`);
  return cloud;
}

function quickConfig(config: SimConfig, bootSeconds: number, createsPerSecond: number): SimConfig {
  const cloud = cloudOf(config);
  const create = { perSecond: createsPerSecond, burst: Math.max(createsPerSecond, cloud.rates.create.burst) };
  const quick: CloudConfig = {
    ...cloud,
    slots: { locations: LOCATION_SLOTS, instancesPerLocation: SLOTS },
    rates: { ...cloud.rates, create },
    submitMs: [SUBMIT_MS, SUBMIT_MS],
    bootSeconds: [bootSeconds, bootSeconds],
  };
  return { ...config, clouds: { [CLOUD]: quick } };
}
