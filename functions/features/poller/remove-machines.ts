import pLimit from 'p-limit';
import { has } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { Clock } from '../../platform/runtime/clock.ts';
import { timeLeftMs } from '../../platform/worker/context.ts';
import type { Found, Poll } from './poll.ts';
import { dueRemovals, type Removal, RemovalTries } from './stuck-removals.ts';

/**
 * Maximum number of concurrent removal calls. The number is high, because some clouds answer such a call only
 * after the removal is complete.
 */
const CONCURRENT_REMOVALS = 25;
/** Maximum time in which one poll begins removals, in ms. The next poll begins the remaining removals. */
const LONGEST_REMOVING_MS = 4_000;
/**
 * Maximum time that a poll waits for answers after it began the last call, in ms. The next poll shows the
 * outcome of calls without an answer.
 */
const ANSWERED_MS = 2_000;
const SHORTEST_WAIT_MS = 100;

/**
 * Asks the cloud to remove machines, several with one call where the cloud allows that. Each poll repeats the request until the cloud shows the machines in
 * Terminating, because the answer to a call alone proves nothing.
 *
 * Begins calls for at most LONGEST_REMOVING_MS, at the rate that the governor permits. Returns before all
 * calls are answered if the poll has to end.
 *
 * A removal that the cloud refuses is recorded with the cloud's words, and tried again with a growing delay.
 *
 * @returns true if some calls were not made, or have no answer yet
 */
export async function removeMachines(
  { context, site, opened }: Pick<Poll, 'context' | 'site' | 'opened'>,
  removals: readonly Removal[],
): Promise<boolean> {
  const due = await dueRemovals(context, removals);
  if (due.length === 0) return false;
  const { clock } = context.store;
  const calls = new BegunCalls(clock, clock.now() + Math.min(LONGEST_REMOVING_MS, timeLeftMs(context) / 4));
  const tries = new RemovalTries(context, site, removals);
  const note = async ({ record, backendId }: Removal, error: DriverError | undefined): Promise<boolean> => {
    if (!error) await tries.accepted(record);
    else if (error.code === 'NoPermit') return false;
    else {
      const { code, message } = error;
      context.log.warn('a machine could not be terminated', { backendId, code, message });
      // The governor slows throttled calls down. The cloud has not refused the removal.
      if (code !== 'Throttled') await tries.refused(record, error);
    }
    return true;
  };
  const remove = (together: readonly Removal[]): Promise<boolean> =>
    calls.begin(async (terms) => {
      const errors = await terminate(opened.onTerms(terms), site.location, together);
      const noted = await Promise.all(
        together.map((removal) => note(removal, errors.get(removal.backendId))),
      );
      return !noted.includes(false);
    });
  const limit = pLimit(CONCURRENT_REMOVALS);
  const all = Promise.all(callsFor(opened.client, due).map((together) => limit(() => remove(together))));
  const answeredMs = Math.min(ANSWERED_MS, timeLeftMs(context) / 2);
  for (let waitMs = answeredMs; waitMs > 0; waitMs = calls.lateInMs(answeredMs)) {
    const late = clock.sleep(Math.max(SHORTEST_WAIT_MS, Math.ceil(waitMs))).then(() => undefined);
    const areAsked = await Promise.race([all, late]);
    if (areAsked) {
      await tries.summarize();
      return areAsked.includes(false);
    }
  }
  // A call may fail after this function has returned. The error must not end the process.
  all.catch((error: unknown) => context.log.warn('a machine could not be terminated', { error }));
  await tries.summarize();
  return true;
}

/** Divides removals among calls. Pure. */
function callsFor(client: CloudClient, removals: readonly Removal[]): Removal[][] {
  const most = has(client, 'batch-terminate') ? client.maxTerminatedPerCall : 1;
  return Array.from({ length: Math.ceil(removals.length / most) }, (_, at) =>
    removals.slice(at * most, (at + 1) * most),
  );
}

/** Asks the cloud to remove machines with one call. @returns the errors, by the machine's id at the cloud */
async function terminate(
  client: CloudClient,
  location: string,
  removals: readonly Removal[],
): Promise<Map<string, DriverError>> {
  const ids = removals.map(({ backendId }) => backendId);
  const [only] = removals;
  if (ids.length > 1 && has(client, 'batch-terminate')) {
    const outcomes = await client.terminateInstances(location, ids);
    return new Map(outcomes.flatMap(({ backendId, error }) => (error ? [[backendId, error] as const] : [])));
  }
  if (only === undefined) return new Map();
  try {
    await client.terminateInstance(location, only.backendId, only.record.instanceId);
    return new Map();
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return new Map([[only.backendId, error]]);
  }
}

/** Records the machines whose removal the cloud accepted a long time ago, and which still exist. */
export async function noteSlowRemovals(
  { context, site }: Pick<Poll, 'context' | 'site'>,
  found: readonly Found[],
): Promise<void> {
  const tries = new RemovalTries(context, site, found);
  await tries.noteSlow(found);
  await tries.summarize();
}

/**
 * Begins calls when the governor permits them, until a given time. Computes how long to wait for the answers.
 */
class BegunCalls {
  readonly #clock: Clock;
  readonly #untilMs: number;
  #lastBegunMs: number;
  #awaitingPermit = 0;

  constructor(clock: Clock, untilMs: number) {
    this.#clock = clock;
    this.#untilMs = untilMs;
    this.#lastBegunMs = clock.now();
  }

  /**
   * Makes a call, which waits for its permit until the constructor's `untilMs`. @returns false if no call was
   * made in that time
   */
  async begin(call: (terms: { waitMs: number; onPermit: () => void }) => Promise<boolean>): Promise<boolean> {
    const waitMs = this.#untilMs - this.#clock.now();
    if (waitMs < 0) return false;
    this.#awaitingPermit += 1;
    let isWaiting = true;
    const stopWaiting = () => {
      if (isWaiting) this.#awaitingPermit -= 1;
      isWaiting = false;
    };
    const onPermit = () => {
      stopWaiting();
      this.#lastBegunMs = this.#clock.now();
    };
    return await call({ waitMs, onPermit }).finally(stopWaiting);
  }

  /** Returns the remaining time to wait for answers, in ms; 0 if that time is over. */
  lateInMs(answeredMs: number): number {
    const lateInMs = Math.max(0, this.#lastBegunMs + answeredMs - this.#clock.now());
    return this.#awaitingPermit > 0 ? Math.max(SHORTEST_WAIT_MS, lateInMs) : lateInMs;
  }
}
