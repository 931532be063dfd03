import { tell } from '../../cli/shell/failure.ts';
import { eachItem } from '../../client/index.ts';
import { readFleetFiles, scaleFleet } from '../../demo/run/fleet-files.ts';
import {
  type Provisioned,
  prepareClouds,
  provision,
  type Removed,
  remove,
} from '../../demo/run/provision.ts';
import { openStack, type Stack } from '../../demo/run/stack.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { countPhase, type PhaseCounts } from '../measure/cost.ts';
import { addUse, type FunctionUse, NO_USE, readFunctionUse, type Span } from '../measure/function-logs.ts';
import { openEngineClients } from '../measure/local-clients.ts';
import { readWorkflowUse } from '../measure/transitions.ts';

/** A run of the demo's fleets on the local stack, from the first request until nothing is left. */
export interface EngineRun {
  requests: readonly FleetRequest[];
  stack: Stack;
  provisioned: Provisioned;
  removed: Removed;
  /**
   * Times in milliseconds since 1970: when the fleets were requested, when all instances ran, and when
   * nothing was left.
   */
  beganMs: number;
  upMs: number;
  goneMs: number;
  /**
   * Time at which each instance's record became Running, by the instance's id; in milliseconds since 1970.
   */
  recordedMs: ReadonlyMap<string, number>;
}

export interface RunFlags {
  scale: number;
  seed: number;
}

/**
 * Runs the demo's fleets on the local stack. Starts the stack if needed.
 *
 * @throws CliError when fleets or instances of an earlier run exist
 */
export async function runOnEngine(
  { scale, seed }: RunFlags,
  say: (line: string) => void,
): Promise<EngineRun> {
  const requests = readFleetFiles().map((fleet) => scaleFleet(fleet, scale));
  const stack = await openStack({ seed, say });
  await prepareClouds(stack, requests, seed);
  const around = { out: process.stderr, signal: new AbortController().signal };
  const beganMs = Date.now();
  const provisioned = await provision(stack, requests, around);
  for (const refusal of provisioned.refusals) say(tell(refusal).text);
  const upMs = Date.now();
  const recordedMs = await readRunningTimes(stack, provisioned);
  const removed = await remove(stack, provisioned, around);
  const goneMs = Date.now();
  say('Counting what the run used, from logs and execution histories');
  return { requests, stack, provisioned, removed, beganMs, upMs, goneMs, recordedMs };
}

async function readRunningTimes({ client, namespace }: Stack, { fleets }: Provisioned) {
  const times = new Map<string, number>();
  for (const { id: fleet } of fleets) {
    const all = eachItem(client.listInstances, { params: { namespace, fleet }, query: { limit: 500 } });
    for await (const { id, runningAt } of all)
      if (runningAt !== undefined) times.set(id, Date.parse(runningAt));
  }
  return times;
}

export interface Phases {
  launch: PhaseCounts;
  terminate: PhaseCounts;
}

/**
 * Counts what the launches used (from the API call until all instances run, polls included), and what the
 * terminations used. The API's functions are counted only until all fleets are requested. Later API calls come from a
 * client that watches the fleets, and their number is arbitrary.
 */
export async function countPhases({
  stack,
  provisioned,
  removed,
  beganMs,
  upMs,
  goneMs,
}: EngineRun): Promise<Phases> {
  const clients = openEngineClients(stack);
  const { outputs } = stack;
  const use = (span: Span) => readFunctionUse(clients.logs, span);
  const launches = { fromMs: beganMs, toMs: upMs };
  const terminations = { fromMs: upMs, toMs: goneMs };
  const machines = (...names: string[]) =>
    names.flatMap((name) => {
      const arn = outputs[name];
      return arn === undefined ? [] : [arn];
    });
  const provisioning = machines('ProvisionFleetArn');
  const terminating = machines('TerminateFleetArn');
  try {
    const asking = await use({ fromMs: beganMs, toMs: provisioned.askedMs });
    const climbing = withoutApi(await use({ fromMs: provisioned.askedMs, toMs: upMs }));
    const leaving = withoutApi(await use(terminations));
    const launchCalls = provisioned.books.totalCalls();
    const launch: PhaseCounts = countPhase(
      running(provisioned),
      together(asking, climbing),
      await readWorkflowUse(clients.sfn, provisioning, launches),
      launchCalls,
    );
    const terminate: PhaseCounts = countPhase(
      running(provisioned),
      leaving,
      await readWorkflowUse(clients.sfn, terminating, terminations),
      removed.books.totalCalls() - launchCalls,
    );
    return { launch, terminate };
  } finally {
    clients.close();
  }
}

const running = ({ fleets }: Provisioned): number =>
  fleets.reduce((sum, { counts }) => sum + (counts.Running ?? 0), 0);

const withoutApi = (functions: Map<string, FunctionUse>) =>
  new Map([...functions].filter(([name]) => !name.startsWith('api-')));

function together(a: Map<string, FunctionUse>, b: Map<string, FunctionUse>): Map<string, FunctionUse> {
  return new Map(
    [...new Set([...a.keys(), ...b.keys()])].map((name) => [
      name,
      addUse(a.get(name) ?? NO_USE, b.get(name) ?? NO_USE),
    ]),
  );
}

/** Reads the largest resident set of each function in a run, in MB. */
export async function readPeakMemory({ stack, beganMs, goneMs }: EngineRun) {
  const clients = openEngineClients(stack);
  try {
    const use = await readFunctionUse(clients.logs, { fromMs: beganMs, toMs: goneMs });
    return [...use].map(([name, { peakMemoryMb }]) => ({ name, peakMemoryMb }));
  } finally {
    clients.close();
  }
}
