import { CliError, EXIT } from '../../cli/shell/exit.ts';
import { deleteFleets, watchFleets } from '../../demo/run/run-fleets.ts';
import { openStack, type Stack } from '../../demo/run/stack.ts';
import { measureRun } from '../ideal/from-books.ts';
import { BOOT_CASES, type BootCase, type CaseName, fleetOf } from './cases.ts';
import { connectQuickCloud, disconnect } from './connect.ts';
import { type CaseResult, type QuickBoots, quickBootsSchema, resultOf } from './document.ts';
import { type QuickCloud, type QuickDriver, SLOTS } from './quick-cloud.ts';
import { openSimulatedCloud } from './simulated-cloud.ts';
import { openSpiderCloud } from './spider-cloud.ts';

/**
 * Maximum time to wait for a fleet, in ms. After this time, the benchmark measures what the fleet has
 * reached. Only a case that hangs takes that long.
 */
const ATMOST_MS = 5 * 60_000;

export interface QuickBootsOptions {
  driver: QuickDriver;
  bootSeconds: number;
  createsPerSecond: number;
  seed: number;
}

/** Output of the measurement, and the signal that interrupts it. */
interface Surroundings {
  say(line: string): void;
  signal: AbortSignal;
}

/**
 * Runs all cases on the local stack. Starts the stack if needed. Removes the fleets, the connection and the
 * cloud; the stack keeps running.
 *
 * @throws CliError when the stack or the cloud cannot be used, or the signal is aborted
 */
export async function measureQuickBoots(
  { driver, bootSeconds, createsPerSecond, seed }: QuickBootsOptions,
  around: Surroundings,
): Promise<QuickBoots> {
  const stack = await openStack({ say: around.say });
  const { seenByFunctions } = stack;
  const options = { bootSeconds, createsPerSecond, seenByFunctions };
  const cloud = driver === 'sim' ? await openSimulatedCloud(seed, options) : await openSpiderCloud(options);
  try {
    await connectQuickCloud(stack, cloud);
    const results: Partial<Record<CaseName, CaseResult>> = {};
    for (const one of BOOT_CASES) results[one.name] = await play(stack, cloud, one, around);
    await disconnect(stack, cloud);
    const remaining = cloud.countLeft();
    const parts = { driver, bootSeconds, slots: SLOTS, createsPerSecond, ...results, remaining };
    return quickBootsSchema.parse(parts);
  } finally {
    await cloud.close();
  }
}

/** Creates one fleet, waits until its launches have ended, reads the cloud's record and deletes the fleet. */
async function play(
  stack: Stack,
  cloud: QuickCloud,
  one: BootCase,
  { say, signal }: Surroundings,
): Promise<CaseResult> {
  const { client, namespace, outputs } = stack;
  say(`${one.name}: ${one.instances} instances, locations: ${one.locations}`);
  const body = fleetOf(one, cloud.offered);
  const askedAt = new Date().toISOString();
  const { id } = await client.createFleet({ params: { namespace }, body });
  const watch = { out: process.stderr, atMostMs: ATMOST_MS };
  await watchFleets(stack, [id], { ...watch, goal: 'up', signal });
  const run = measureRun({
    books: cloud.books(outputs.DeploymentId),
    limits: cloud.limits,
    startedAt: askedAt,
    deploymentId: outputs.DeploymentId,
    fleetIds: [id],
  });
  await deleteFleets(stack, [id]);
  // An interruption by the user does not end this wait: the program ends only after the instances are removed.
  await watchFleets(stack, [id], { ...watch, goal: 'gone', signal: new AbortController().signal });
  if (!signal.aborted) return resultOf(one, run);
  await disconnect(stack, cloud);
  throw new CliError(EXIT.interrupted, 'interrupted', 'interrupted', 'Everything was removed.');
}
