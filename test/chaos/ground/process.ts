import type { Timer } from '../../../functions/platform/runtime/clock.ts';
import { callingModule } from './calling-module.ts';
import { type Ground, never } from './ground.ts';

/**
 * One process of a Lambda function. It reaches tables, queues, workflows and clouds only through `call`. Each
 * call takes time before its effect, and again before its answer arrives. The process may die in either of
 * these times. After its death, none of its code runs.
 */
export class Process {
  readonly name: string;
  readonly ground: Ground;
  readonly clock: Timer;
  /** Resolves when the process ends. */
  readonly death: Promise<void>;
  #dead = false;
  #die: () => void;

  constructor(name: string, ground: Ground, skewMs: number) {
    this.name = name;
    this.ground = ground;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.death = promise;
    this.#die = resolve;
    this.clock = {
      now: () => ground.now() + skewMs,
      sleep: async (ms) => {
        await ground.sleep(Math.ceil(ms));
        await this.#survive('waking');
      },
    };
  }

  get dead(): boolean {
    return this.#dead;
  }

  kill(why: string): void {
    if (this.#dead) return;
    this.#dead = true;
    this.ground.trace.add(this.name, `DIES ${why}`);
    this.#die();
  }

  async call<Result>(what: string, effect: () => Result | Promise<Result>): Promise<Result> {
    const { ground } = this;
    const caller = ground.trace.isOn ? callingModule() : undefined;
    await this.#survive(`before ${what}`);
    await ground.sleep(ground.latencyMs() + ground.holdUpMs(what, this.name));
    // The process died while the request was on its way. In half of these cases the request still takes
    // effect.
    if (this.#dead && ground.random.chance(0.5)) return await never();
    let result: Result;
    try {
      result = await ground.runAs(caller, effect);
      ground.trace.add(this.name, what, caller);
    } catch (error) {
      ground.trace.add(this.name, `${what} → ${error instanceof Error ? error.name : String(error)}`, caller);
      await this.#answered(what);
      throw error;
    }
    await this.#answered(what);
    return result;
  }

  async #answered(what: string): Promise<void> {
    await this.ground.sleep(this.ground.latencyMs());
    await this.#survive(`after ${what}`);
  }

  async #survive(what: string): Promise<void> {
    if (!this.#dead && this.ground.random.chance(this.ground.disturbance.kill)) {
      this.ground.counts.crashes += 1;
      this.kill(what);
    }
    if (this.#dead) await never();
  }
}
