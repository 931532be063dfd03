import { VirtualScheduler } from '../../state-machines/interpreter/virtual-scheduler.ts';
import { Random } from '../time/random.ts';
import { Trace } from '../time/trace.ts';
import { type Disturbance, type FaultCounts, noFaults } from './disturbance.ts';

/** Some twenty times what a run takes. */
const MAX_STEPS = 400_000;

/** What every part of a simulated world stands on: its time, its chance, its trace and what is to go wrong. */
export class Ground {
  readonly scheduler = new VirtualScheduler();
  readonly startMs = this.scheduler.now();
  readonly seed: number;
  readonly random: Random;
  readonly trace: Trace;
  readonly counts: FaultCounts = noFaults();
  disturbance: Disturbance;
  /** By how long a story holds up a call on its way, in milliseconds. What a call is for is told where there is a trace. */
  holdUpMs: (call: string, process: string) => number = () => 0;
  /** Rejects when a run does so much that it can only be going round in circles. */
  readonly exhaustion: Promise<never>;
  /** How many waits there were: what a run costs. */
  steps = 0;
  readonly #maxSteps: number;
  #exhaust: (error: Error) => void;

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
    if (this.steps > this.#maxSteps) this.#exhaust(new Error(`more than ${this.#maxSteps} steps`));
    return this.scheduler.sleep(ms);
  }

  /** How long one way of a call takes. */
  latencyMs(): number {
    const { random, disturbance } = this;
    if (random.chance(disturbance.slow)) return random.int(200, 4_000);
    return random.int(1, 12);
  }
}

/** For what will never go on: a promise that nothing settles. */
export function never(): Promise<never> {
  return new Promise(() => {});
}
