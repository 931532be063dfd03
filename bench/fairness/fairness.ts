import { readFleetFiles } from '../../demo/run/fleet-files.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import type { CloudConfig } from '../../local/sim/engine/config.ts';
import { createdAtMs } from '../../local/sim/engine/status.ts';
import { cloudsWithoutQuotas } from '../makespan/clouds.ts';
import { inVirtualTime, type VirtualStack } from '../virtual/stack.ts';

export interface FairnessAsked {
  small: number;
  large: number;
  /** Seconds from the request for the large fleet until the request for the small fleet. */
  afterSeconds: number;
  seeds: readonly number[];
  /** True for AWS services without limits. */
  unlimitedServices?: boolean;
  /** The connection's cloud. Absent: the simulated AWS with its slots, which makes each machine with a call of its own. */
  cloud?: CloudConfig;
}

/**
 * The result of `bench -- fairness`: seconds from the request for the small fleet until its instances run.
 */
export interface Fairness {
  aloneP95Seconds: number;
  behindP95Seconds: number;
  ratio: number;
  aloneMedianSeconds: number;
  behindMedianSeconds: number;
  alonePerSeedP95Seconds: number[];
  behindPerSeedP95Seconds: number[];
  smallFleet: number;
  largeFleet: number;
  afterSeconds: number;
  seeds: number[];
}

const CLOUD = 'aws';

/**
 * Measures how long a small fleet takes at one location of one connection: alone, and while a large fleet is
 * being launched there.
 */
export async function measureFairness(
  { seeds, ...asked }: FairnessAsked,
  say: (line: string) => void,
): Promise<Fairness> {
  const alone: number[][] = [];
  const behind: number[][] = [];
  for (const seed of seeds) {
    alone.push(await secondsToRun(seed, { ...asked, large: 0 }));
    behind.push(await secondsToRun(seed, asked));
    say(`seed ${seed}: alone ${last(alone)} s, behind the large fleet ${last(behind)} s`);
  }
  const [aloneP95, behindP95] = [percentile(alone.flat(), 0.95), percentile(behind.flat(), 0.95)];
  return {
    aloneP95Seconds: rounded(aloneP95),
    behindP95Seconds: rounded(behindP95),
    ratio: rounded(behindP95 / aloneP95),
    aloneMedianSeconds: rounded(percentile(alone.flat(), 0.5)),
    behindMedianSeconds: rounded(percentile(behind.flat(), 0.5)),
    alonePerSeedP95Seconds: alone.map((seconds) => rounded(percentile(seconds, 0.95))),
    behindPerSeedP95Seconds: behind.map((seconds) => rounded(percentile(seconds, 0.95))),
    smallFleet: asked.small,
    largeFleet: asked.large,
    afterSeconds: asked.afterSeconds,
    seeds: [...seeds],
  };
}

async function secondsToRun(
  seed: number,
  {
    small,
    large,
    afterSeconds,
    unlimitedServices = false,
    cloud = slottedCloud(),
  }: Omit<FairnessAsked, 'seeds'>,
): Promise<number[]> {
  const options = { seed, clouds: { [CLOUD]: cloud }, overstatedBy: 1, unlimitedServices };
  return await inVirtualTime(options, async (stack) => {
    const { ground } = stack.lab;
    if (large > 0) await stack.create(fleetOf('large', large));
    await ground.sleep(afterSeconds * 1_000);
    const startMs = ground.now();
    const id = await stack.create(fleetOf('small', small));
    const ranMs = await untilAllRan(stack, id, small);
    return ranMs.map((atMs) => (atMs - startMs) / 1_000);
  });
}

function slottedCloud(): CloudConfig {
  const { [CLOUD]: cloud } = cloudsWithoutQuotas();
  if (!cloud) throw new Error(`the simulated clouds have no ${CLOUD}`);
  return cloud;
}

/**
 * Waits until all instances of a fleet run. @returns the time at which each instance began to run, by the
 * cloud's record
 */
async function untilAllRan({ lab }: VirtualStack, fleetId: string, size: number): Promise<number[]> {
  for (;;) {
    const runsAt = lab.clouds
      .machines()
      .filter(({ ours, status }) => status === 'Running' && ours?.startsWith(`${fleetId}-`))
      .map((machine) => createdAtMs(machine) + machine.bootMs);
    if (runsAt.length >= size) return runsAt;
    await lab.ground.sleep(1_000);
  }
}

/** Makes a fleet at the first location that the demo uses at the cloud. */
function fleetOf(name: string, size: number): FleetRequest {
  const groups = readFleetFiles().flatMap(({ nodeGroups }) => nodeGroups);
  const group = groups.find(({ connection }) => connection === `sim-${CLOUD}`);
  if (!group) throw new Error(`the demo has no node group at ${CLOUD}`);
  const { connection, locations, instanceType, image } = group;
  return {
    name,
    failurePolicy: 'continue',
    nodeGroups: [{ name, connection, locations: locations.slice(0, 1), instanceType, image, size }],
  };
}

/** Returns a percentile by the nearest-rank method. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

const last = (runs: readonly number[][]): number => rounded(Math.max(...(runs.at(-1) ?? [])));

const rounded = (value: number): number => Number(value.toFixed(2));
