import type { DriverMessage } from '../../functions/platform/workflow/messages.ts';
import { FLEET_ID, QUEUE_URL } from '../state-machines/assignment-builder.ts';
import { type Json, jsonSchema } from '../state-machines/interpreter/definition.ts';
import { type Answer, allGood, type MachineName, usualFunctions } from '../state-machines/world.ts';
import type { StartFault, Surroundings } from './path.ts';
import { textOf, withoutToken } from './trace.ts';

/** A run of a path in moto, with the answers of its surroundings. Each run has a fleet of its own. */
export class Play {
  readonly fleetId: string;
  readonly surroundings: Surroundings;
  readonly messages: string[] = [];
  readonly invocations: string[] = [];
  /** Rejects when the test itself cannot answer. */
  readonly failed: Promise<never>;
  readonly fail: (reason: unknown) => void;
  readonly #queueUrl: string;
  readonly #attempts = new Map<string, number>();
  #refused = 0;

  constructor(fleetId: string, queueUrl: string, surroundings: Surroundings) {
    this.fleetId = fleetId;
    this.surroundings = surroundings;
    this.#queueUrl = queueUrl;
    const { promise, reject } = Promise.withResolvers<never>();
    // The play may have ended before the promise is awaited.
    promise.catch(() => {});
    this.failed = promise;
    this.fail = reject;
  }

  /** Answers in a Lambda function's place. */
  invoke(name: string, payload: Json): Json {
    const { assignment, functions = {} } = this.surroundings;
    const own = this.fromMoto(payload);
    this.invocations.push(`${name} ${textOf(own)}`);
    const work = { ...usualFunctions(assignment), ...functions }[name];
    if (!work) throw new Error(`no function is named ${name}`);
    return this.toMoto(work(own));
  }

  refusesMessage(): boolean {
    if (this.#refused >= (this.surroundings.refusedMessages ?? 0)) return false;
    this.#refused += 1;
    return true;
  }

  faultOf(machine: MachineName, name: string): StartFault | undefined {
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    const fault = this.surroundings.faultOf?.({
      machine,
      name: name.replace(this.fleetId, FLEET_ID),
      attempt,
    });
    return fault && 'input' in fault ? { input: this.toMoto(fault.input) } : fault;
  }

  /** Notes a message of the queue, and returns the worker's answer. */
  take(message: DriverMessage): Answer {
    const own: DriverMessage = { ...message, ...('fleetId' in message ? { fleetId: FLEET_ID } : {}) };
    this.messages.push(withoutToken(own));
    return (this.surroundings.answer ?? allGood)(own);
  }

  toMoto(value: Json): Json {
    return this.#replace(value, [FLEET_ID, this.fleetId], [QUEUE_URL, this.#queueUrl]);
  }

  fromMoto(value: Json): Json {
    return this.#replace(value, [this.fleetId, FLEET_ID], [this.#queueUrl, QUEUE_URL]);
  }

  #replace(value: Json, ...pairs: [string, string][]): Json {
    const text = pairs.reduce((now, [from, to]) => now.replaceAll(from, to), JSON.stringify(value));
    return jsonSchema.parse(JSON.parse(text));
  }
}
