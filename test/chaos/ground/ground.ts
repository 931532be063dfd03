import { AsyncLocalStorage } from 'node:async_hooks';
import { VirtualScheduler } from '../../state-machines/interpreter/virtual-scheduler.ts';
import { Random } from '../time/random.ts';
import { Trace } from '../time/trace.ts';
import { type Disturbance, type FaultCounts, noFaults } from './disturbance.ts';

/**
 * Maximum number of sleeps in a run, about twenty times as many as a normal run has. A run with more sleeps
 * fails.
 */
const MAX_STEPS = 400_000;

/** What all parts of a simulated world share: virtual time, random draws, the trace, and fault probabilities. */
export class Ground {
  readonly scheduler = new VirtualScheduler();
  readonly startMs = this.scheduler.now();
  readonly seed: number;
  readonly random: Random;
  readonly trace: Trace;
  readonly counts: FaultCounts = noFaults();
  disturbance: Disturbance;
  /**
   * Returns for how many milliseconds a test delays a call. The text `call` contains the call's keys only if
   * the trace is on.
   */
  holdUpMs: (call: string, process: string) => number = () => 0;
  /** Rejects when a run has made more sleeps than the maximum, because such a run is in an endless loop. */
  readonly exhaustion: Promise<never>;
  /** Number of sleeps so far, a measure of the work that the run does. */
  steps = 0;
  /** The product file whose call takes effect at this moment. Set only in a run with a trace. */
  get caller(): string | undefined {
    return this.#callers.getStore();
  }
  readonly #callers = new AsyncLocalStorage<string | undefined>();
  readonly #maxSteps: number;
  #exhaust: (error: Error) => void;

  /** Runs the effect of a call, which `caller` made. The effect may go on asynchronously, as over HTTP. */
  runAs<Result>(caller: string | undefined, effect: () => Result): Result {
    return caller === undefined ? effect() : this.#callers.run(caller, effect);
  }

  constructor(seed: number, disturbance: Disturbance, traced: boolean, maxSteps = MAX_STEPS) {
    this.seed = seed;
    this.#maxSteps = maxSteps;
    const { promise, reject } = Promise.withResolvers<never>();
    this.exhaustion = promise;
    this.#exhaust = reject;
    promise.catch(() => {});
    this.disturbance = disturbance;
    this.random = new Random(seed, 'world');
    this.trace = new Trace(() => this.scheduler.now(), traced);
  }

  now(): number {
    return this.scheduler.now();
  }

  sleep(ms: number): Promise<void> {
    this.steps += 1;
    if (this.steps > this.#maxSteps)
      this.#exhaust(new Error(`the run made more than ${this.#maxSteps} sleeps`));
    return this.scheduler.sleep(ms);
  }

  /** Draws how long a request or an answer takes on its way, in milliseconds. */
  latencyMs(): number {
    const { random, disturbance } = this;
    if (random.chance(disturbance.slow)) return random.int(200, 4_000);
    return random.int(1, 12);
  }
}

/** Returns a promise that never settles. The code of a dead process awaits it, so it does not continue. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
