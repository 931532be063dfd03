import { readFleetFiles } from '../../demo/run/fleet-files.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { cloudsWithoutQuotas } from '../makespan/clouds.ts';
import type { PhaseCounts } from '../measure/cost.ts';
import { createSingles } from '../networks/networks.ts';
import { inVirtualTime, type VirtualStack } from '../virtual/stack.ts';
import { countUse } from './count-use.ts';

const CLOUD = 'aws';
const WITHIN_SECONDS = 60;
const LOOK_MS = 250;

export interface LaunchesAsked {
  seed: number;
  /** Mean bytes of log text of one invocation. The caller measures this mean in a separate run. */
  logBytesPerInvocation: number;
  /** True for AWS services without limits. */
  unlimitedServices: boolean;
}

/** What the launches of one case used. */
export interface LaunchCase {
  name: string;
  use: PhaseCounts;
}

/** Counts what launches use in virtual time, from the first request until all workflows have ended. */
export async function countLaunchCases(
  asked: LaunchesAsked,
  say: (line: string) => void,
): Promise<LaunchCase[]> {
  say('Launching 10,000 instances in one location in virtual time');
  const large = await countLaunches(asked, 10_000, async (stack) => {
    await stack.create(inOneLocation(10_000));
  });
  say('Launching 300 single instances in virtual time');
  const singles = await countLaunches(asked, 300, async (stack) => {
    const { location } = firstGroup();
    await createSingles(stack, { fleets: 300, withinSeconds: WITHIN_SECONDS, mode: 'shared' }, location);
  });
  return [
    { name: '10000-in-one-location', use: large },
    { name: '300-singles-in-a-minute', use: singles },
  ];
}

/** Counts what `instances` launches use, which `request` asks for, at a simulated cloud without quotas. */
export async function countLaunches(
  { seed, logBytesPerInvocation, unlimitedServices }: LaunchesAsked,
  instances: number,
  request: (stack: VirtualStack) => Promise<void>,
): Promise<PhaseCounts> {
  const { [CLOUD]: cloud } = cloudsWithoutQuotas();
  if (!cloud) throw new Error(`the simulated clouds have no ${CLOUD}`);
  const options = { seed, clouds: { [CLOUD]: cloud }, overstatedBy: 1, unlimitedServices };
  return await inVirtualTime(options, async (stack) => {
    const { ground, workflow } = stack.lab;
    return await countUse(stack.lab, { instances, logBytesPerInvocation }, async () => {
      await request(stack);
      await stack.untilRunning(instances);
      while (workflow.running.length > 0) await ground.sleep(LOOK_MS);
    });
  });
}

/** Returns the demo's first node group at the cloud, with its first location. */
function firstGroup() {
  const groups = readFleetFiles().flatMap(({ nodeGroups }) => nodeGroups);
  const group = groups.find(({ connection }) => connection === `sim-${CLOUD}`);
  const [location] = group?.locations ?? [];
  if (!group || location === undefined) throw new Error(`the demo has no node group at ${CLOUD}`);
  return { group, location };
}

function inOneLocation(size: number): FleetRequest {
  const { group, location } = firstGroup();
  const { connection, instanceType, image } = group;
  return {
    name: 'large',
    failurePolicy: 'continue',
    nodeGroups: [{ name: 'all', connection, locations: [location], instanceType, image, size }],
  };
}
