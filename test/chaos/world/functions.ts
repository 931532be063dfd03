import type { Ground } from '../ground/ground.ts';
import { Process } from '../ground/process.ts';

/** Thrown if the process of an invocation ended before it answered. */
export class ProcessEnded extends Error {
  override readonly name = 'Lambda.Unknown';
}

export interface FunctionOptions<Context> {
  name: string;
  timeoutMs: number;
  /** Maximum time in ms by which a process's clock may be fast or slow. */
  skewMs: number;
  /** Called once when a process starts; its result serves all invocations of that process. */
  open(process: Process): Context;
}

/**
 * One Lambda function. Each of its processes handles one invocation at a time and keeps its caches between
 * invocations.
 */
export class LambdaFunction<Context> {
  readonly #ground: Ground;
  readonly #options: FunctionOptions<Context>;
  readonly #idle: { process: Process; context: Context }[] = [];
  readonly #working = new Set<Process>();
  /** Number of invocations so far, and their total duration. */
  readonly use = { invocations: 0, busyMs: 0 };
  #started = 0;
  #busy = 0;

  constructor(ground: Ground, options: FunctionOptions<Context>) {
    this.#ground = ground;
    this.#options = options;
  }

  get busy(): number {
    return this.#busy;
  }

  /** Ends every process, busy processes included. @returns the number of busy processes */
  killAll(why: string): number {
    const working = [...this.#working];
    for (const { process } of this.#idle.splice(0)) process.kill(why);
    for (const process of working) process.kill(why);
    return working.length;
  }

  /**
   * Runs one invocation.
   *
   * @throws ProcessEnded if the process was killed or exceeded the function's time limit
   */
  async invoke<Result>(work: (context: Context, process: Process) => Promise<Result>): Promise<Result> {
    this.#busy += 1;
    this.use.invocations += 1;
    const startMs = this.#ground.now();
    const instance = this.#take();
    const { process, context } = instance;
    this.#working.add(process);
    const timer = new AbortController();
    const limit = this.#ground.scheduler.sleep(this.#options.timeoutMs, timer.signal).then(() => {
      this.#ground.counts.timedOutProcesses += 1;
      process.kill('time-out of the function');
    });
    limit.catch(() => {});
    const ended = process.death.then((): never => {
      throw new ProcessEnded(`${process.name} ended`);
    });
    try {
      const result = await Promise.race([work(context, process), ended]);
      return result;
    } finally {
      timer.abort('answered');
      this.#busy -= 1;
      this.#working.delete(process);
      this.use.busyMs += this.#ground.now() - startMs;
      if (!process.dead) this.#idle.push(instance);
    }
  }

  #take(): { process: Process; context: Context } {
    const { random, disturbance } = this.#ground;
    // Lambda may use any process for an invocation. This model uses any idle process, and sometimes a new
    // process.
    if (this.#idle.length > 0 && !random.chance(disturbance.newProcess)) {
      const [taken] = this.#idle.splice(random.int(0, this.#idle.length - 1), 1);
      if (taken) return taken;
    }
    this.#started += 1;
    const { name, skewMs, open } = this.#options;
    const process = new Process(
      `${name}-${this.#started}`,
      this.#ground,
      Math.round(random.between(-skewMs, skewMs)),
    );
    return { process, context: open(process) };
  }
}
