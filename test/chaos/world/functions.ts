import type { Ground } from '../ground/ground.ts';
import { Process } from '../ground/process.ts';

/** The process that had an invocation ended before its answer. */
export class ProcessEnded extends Error {
  override readonly name = 'Lambda.Unknown';
}

export interface FunctionOptions<Context> {
  name: string;
  timeoutMs: number;
  /** How far a process's clock may be off, either way. */
  skewMs: number;
  /** What a process opens when it starts, and keeps until it ends. */
  open(process: Process): Context;
}

/** One Lambda function: processes that take one invocation at a time, and live on with their caches. */
export class LambdaFunction<Context> {
  readonly #ground: Ground;
  readonly #options: FunctionOptions<Context>;
  readonly #idle: { process: Process; context: Context }[] = [];
  readonly #working = new Set<Process>();
  /** So far, and how long they took in all. */
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

  /** Ends every process, whatever it is doing. @returns how many were at work */
  killAll(why: string): number {
    const working = [...this.#working];
    for (const { process } of this.#idle.splice(0)) process.kill(why);
    for (const process of working) process.kill(why);
    return working.length;
  }

  /** @throws ProcessEnded when the process was killed, or took longer than it may */
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
    // Whichever is free, sometimes a new one though others are: as Lambda pleases.
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
