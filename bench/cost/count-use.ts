import { readBooks } from '../../local/sim/engine/books.ts';
import { Capacity } from '../../test/chaos/models/dynamo/capacity.ts';
import type { Lab } from '../../test/chaos/world/lab.ts';
import type { PhaseCounts } from '../measure/cost.ts';

/** Memory in GB of every deployed function, except some functions of the API. */
const MEMORY_GB = 0.5;
const SQS_REQUESTS_PER_BATCH = 2;

export interface Asked {
  /** Number of instances among which the use is divided. */
  instances: number;
  /** Mean bytes of log text of one invocation. The caller measures this mean in a separate run. */
  logBytesPerInvocation: number;
}

/**
 * Counts what the shipped code uses while `work` runs: every read, write, message, transition, invocation and cloud call.
 * The duration of functions is an estimate: the sum of the durations of their calls in virtual time.
 */
export async function countUse(
  lab: Lab,
  { instances, logBytesPerInvocation }: Asked,
  work: () => Promise<unknown>,
): Promise<PhaseCounts> {
  const before = countsOf(lab);
  const capacity = new Capacity();
  lab.tables.capacityOf = () => capacity;
  await work();
  lab.tables.capacityOf = undefined;
  const after = countsOf(lab);
  const invocations = after.invocations - before.invocations;
  const batches = after.batches - before.batches;
  return {
    instances,
    apiRequests: after.apiRequests - before.apiRequests,
    cloudCalls: after.cloudCalls - before.cloudCalls,
    readUnits: capacity.readUnits,
    writeUnits: capacity.writeUnits,
    sqsRequests: after.sent - before.sent + batches * SQS_REQUESTS_PER_BATCH,
    transitions: after.transitions - before.transitions,
    invocations,
    gbSeconds: ((after.busyMs - before.busyMs) / 1_000) * MEMORY_GB,
    logBytes: invocations * logBytesPerInvocation,
  };
}

function countsOf(lab: Lab) {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const use = lab.functionUse();
  const invocationsOf = (kind: (typeof use)[number]['kind']) =>
    sum(use.map((one) => (one.kind === kind ? one.invocations : 0)));
  const { clouds, accounts } = readBooks(lab.clouds.engine.world);
  return {
    invocations: sum(use.map(({ invocations }) => invocations)),
    batches: invocationsOf('driver'),
    apiRequests: invocationsOf('api'),
    busyMs: sum(use.map(({ busyMs }) => busyMs)),
    sent: lab.sent,
    transitions: sum(lab.workflow.engine.executions.map(({ history }) => history.transitions)),
    cloudCalls: sum([...clouds, ...accounts].flatMap(({ calls }) => Object.values(calls))),
  };
}
