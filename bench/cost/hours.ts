import { readBooks } from '../../local/sim/engine/books.ts';
import { Capacity } from '../../test/chaos/models/dynamo/capacity.ts';
import type { Lab } from '../../test/chaos/world/lab.ts';
import { cloudsWithoutQuotas } from '../makespan/clouds.ts';
import { fleetsOf } from '../makespan/fleets.ts';
import type { PhaseCounts } from '../measure/cost.ts';
import { inVirtualTime } from '../virtual/stack.ts';

/**
 * Virtual time in ms after which all poll loops have ended and the schedule `watch` no longer starts them.
 */
const AT_REST_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;
/** Memory in GB of every deployed function, except some functions of the API. */
const MEMORY_GB = 0.5;
const SQS_REQUESTS_PER_BATCH = 2;

export interface HoursAsked {
  instances: number;
  hours: number;
  seed: number;
  /** Mean bytes of log text of one invocation. The caller measures this mean in a separate run. */
  logBytesPerInvocation: number;
  /** True for AWS services without limits. */
  unlimitedServices?: boolean;
}

export interface KeptHours extends PhaseCounts {
  /** Number of instances multiplied by hours. */
  instanceHours: number;
  locations: number;
}

/**
 * Counts what a running fleet uses: every read, write, message, invocation and cloud call of the shipped code
 * in `hours` hours of virtual time. The duration of functions is an estimate: the sum of the durations of
 * their calls in virtual time.
 */
export async function countKeptHours({
  instances,
  hours,
  seed,
  logBytesPerInvocation,
  unlimitedServices = false,
}: HoursAsked): Promise<KeptHours> {
  const options = { seed, clouds: cloudsWithoutQuotas(), overstatedBy: 1, unlimitedServices };
  return await inVirtualTime(options, async (stack) => {
    const { lab } = stack;
    await Promise.all(fleetsOf(instances, 1).map((request) => stack.create(request)));
    await stack.untilRunning(instances);
    await lab.ground.sleep(AT_REST_MS);
    const before = countsOf(lab);
    const capacity = new Capacity();
    lab.tables.capacityOf = () => capacity;
    await lab.ground.sleep(hours * HOUR_MS);
    lab.tables.capacityOf = undefined;
    const after = countsOf(lab);
    const invocations = after.invocations - before.invocations;
    const batches = after.batches - before.batches;
    return {
      instances,
      instanceHours: instances * hours,
      locations: lab.clouds.sites.filter(({ live }) => live.size > 0).length,
      cloudCalls: after.cloudCalls - before.cloudCalls,
      readUnits: capacity.readUnits,
      writeUnits: capacity.writeUnits,
      sqsRequests: after.sent - before.sent + batches * SQS_REQUESTS_PER_BATCH,
      transitions: after.transitions - before.transitions,
      invocations,
      gbSeconds: ((after.busyMs - before.busyMs) / 1_000) * MEMORY_GB,
      logBytes: invocations * logBytesPerInvocation,
    };
  });
}

function countsOf(lab: Lab) {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const use = lab.functionUse();
  const { clouds, accounts } = readBooks(lab.clouds.engine.world);
  return {
    invocations: sum(use.map(({ invocations }) => invocations)),
    batches: sum(use.map(({ readsQueue, invocations }) => (readsQueue ? invocations : 0))),
    busyMs: sum(use.map(({ busyMs }) => busyMs)),
    sent: lab.sent,
    transitions: sum(lab.workflow.engine.executions.map(({ history }) => history.transitions)),
    cloudCalls: sum([...clouds, ...accounts].flatMap(({ calls }) => Object.values(calls))),
  };
}
