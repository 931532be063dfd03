import { type FleetRequest, fleetRequestSchema } from '../../functions/model/fleet-request.ts';
import type { NetworkChoice } from '../../functions/model/network-choice.ts';
import type { CallName } from '../../local/sim/engine/requests.ts';
import { cloudsWithoutQuotas } from '../makespan/clouds.ts';
import { inVirtualTime, type VirtualStack } from '../virtual/stack.ts';

export interface NetworksAsked {
  fleets: number;
  /** Seconds over which the requests for the fleets are spread evenly. */
  withinSeconds: number;
  mode: Extract<NetworkChoice['mode'], 'shared' | 'dedicated'>;
  seed: number;
  /** True for AWS services without limits. */
  unlimitedServices: boolean;
}

/** The result of `bench -- networks`. Calls are those that the clouds have answered, throttled ones included. */
export interface Networks {
  fleets: number;
  networkCalls: number;
  networksMade: number;
  securityGroupsMade: number;
  keyPairsMade: number;
  /** All calls of launches and removals, lists included, for each machine. */
  callsPerMachine: number;
  /** Seconds from the request for a fleet until the cloud has accepted its machine. */
  p95SecondsToAccepted: number;
  /** Writes of items of network resources, memberships and address ranges. */
  networkWritesPerFleet: number;
  /** Machines and network resources that the clouds still have after the grace time. */
  leaked: number;
}

const CLOUD = 'aws';
/** Grace time of unused networks in production, and time for their removal after that, in ms. */
export const GRACE_MS = 15 * 60_000;
export const REMOVAL_MS = 5 * 60_000;
const LOOK_MS = 1_000;
const PATIENCE_MS = 2 * 60 * 60_000;
/** The simulated clouds' calls about network resources. */
const NETWORK_CALLS: ReadonlySet<string> = new Set([
  'ensure',
  'findResource',
  'listResources',
  'deleteResource',
] satisfies CallName[]);
/** The key of all fleets. Its bytes are 0 to 31. */
const PUBLIC_KEY = `ssh-ed25519 ${publicKeyBase64()}`;
const NETWORK_ITEM = /^(SHARED|SHARED-GONE|NET|RANGES)#/;

/**
 * Creates fleets of one machine each on one connection and location, then removes them, and counts what their networks
 * took. Runs the shipped code in virtual time over a simulated cloud without quotas.
 */
export async function measureNetworks(asked: NetworksAsked, say: (line: string) => void): Promise<Networks> {
  const { [CLOUD]: cloud } = cloudsWithoutQuotas();
  if (!cloud) throw new Error(`the simulated clouds have no ${CLOUD}`);
  const [location] = Object.keys(cloud.locations);
  if (location === undefined) throw new Error(`the simulated cloud ${CLOUD} has no location`);
  const made = { network: 0, 'security-group': 0, 'key-pair': 0 };
  const stackOptions = {
    seed: asked.seed,
    clouds: { [CLOUD]: cloud },
    overstatedBy: 1,
    unlimitedServices: asked.unlimitedServices,
    networkGraceMs: GRACE_MS,
    onResource: (kind: keyof typeof made) => {
      made[kind] += 1;
    },
  };
  return await inVirtualTime(stackOptions, async (stack) => {
    const { lab } = stack;
    const { ground } = lab;
    let writes = 0;
    lab.tables.fleets.onWrite = (before, after) => {
      if (NETWORK_ITEM.test(String((after ?? before)?.['pk']))) writes += 1;
    };
    const startMs = ground.now();
    const requestedAtMs = await createSingles(stack, asked, location);
    await stack.untilRunning(asked.fleets, (count, seconds) => say(`${count} machines after ${seconds} s`));
    const accepted = lab.clouds.machines().flatMap(({ ours, acceptedAtMs }) => {
      const askedAtMs = requestedAtMs.get(ours?.slice(0, 17) ?? '');
      return askedAtMs === undefined ? [] : [(acceptedAtMs - askedAtMs) / 1_000];
    });
    say(`${asked.fleets} machines run after ${Math.round((ground.now() - startMs) / 1_000)} s`);
    await removeAll(stack, [...requestedAtMs.keys()], asked.withinSeconds);
    await untilEmpty(stack);
    const calls = lab.clouds.asked.filter(({ atMs }) => atMs >= startMs).length;
    await ground.sleep(GRACE_MS + REMOVAL_MS);
    const further = lab.clouds.asked.filter(({ atMs }) => atMs >= startMs);
    const networkCalls = further.filter(({ call }) => NETWORK_CALLS.has(call)).length;
    return {
      fleets: asked.fleets,
      networkCalls,
      networksMade: made.network,
      securityGroupsMade: made['security-group'],
      keyPairsMade: made['key-pair'],
      callsPerMachine: rounded(calls / asked.fleets),
      p95SecondsToAccepted: rounded(p95(accepted)),
      networkWritesPerFleet: rounded(writes / asked.fleets),
      leaked: leftAt(stack),
    };
  });
}

function publicKeyBase64(): string {
  const field = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const key = Uint8Array.from({ length: 32 }, (_, at) => at);
  return Buffer.concat([field(Buffer.from('ssh-ed25519')), field(key)]).toString('base64');
}

function fleetOf(at: number, { mode }: Pick<NetworksAsked, 'mode'>, location: string): FleetRequest {
  return fleetRequestSchema.parse({
    name: `one-${at}`,
    network: { mode },
    nodeGroups: [
      {
        name: 'all',
        size: 1,
        connection: `sim-${CLOUD}`,
        locations: [location],
        instanceType: 'm6i.large',
        image: 'ubuntu-24.04',
        ssh: { allowFrom: '203.0.113.0/24', publicKeys: [PUBLIC_KEY] },
      },
    ],
  });
}

/** Requests fleets of one machine each, spread evenly. @returns the time of the request by the fleet's id */
export async function createSingles(
  stack: VirtualStack,
  asked: Pick<NetworksAsked, 'fleets' | 'withinSeconds' | 'mode'>,
  location: string,
): Promise<Map<string, number>> {
  const { ground } = stack.lab;
  const requestedAtMs = new Map<string, number>();
  await Promise.all(
    Array.from({ length: asked.fleets }, async (_, at) => {
      await ground.sleep((at * asked.withinSeconds * 1_000) / asked.fleets);
      const atMs = ground.now();
      requestedAtMs.set(await stack.create(fleetOf(at, asked, location)), atMs);
    }),
  );
  return requestedAtMs;
}

async function removeAll(stack: VirtualStack, ids: readonly string[], withinSeconds: number): Promise<void> {
  await Promise.all(
    ids.map(async (id, at) => {
      await stack.lab.ground.sleep((at * withinSeconds * 1_000) / ids.length);
      await stack.remove(id);
    }),
  );
}

/** Waits until the cloud has no machine, and no workflow runs. */
async function untilEmpty({ lab }: VirtualStack): Promise<void> {
  const { ground, workflow, clouds } = lab;
  const untilMs = ground.now() + PATIENCE_MS;
  while (workflow.running.length > 0 || clouds.machines().some(({ status }) => status !== 'Terminated')) {
    if (ground.now() > untilMs)
      throw new Error('the fleets were not removed within two hours of virtual time');
    await ground.sleep(LOOK_MS);
  }
}

function leftAt({ lab }: VirtualStack): number {
  const machines = lab.clouds.machines().filter(({ status }) => status !== 'Terminated');
  return machines.length + lab.clouds.sites.reduce((sum, { resources }) => sum + resources.size, 0);
}

/** Returns the 95th percentile of some values, in any order. */
export function p95(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.NaN;
}

export const rounded = (value: number): number => Number(value.toFixed(2));
