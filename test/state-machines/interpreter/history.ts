import type { Json } from './definition.ts';
import { InterpreterError } from './errors.ts';

export const MAX_HISTORY_EVENTS = 25_000;
export const MAX_PAYLOAD_BYTES = 256 * 1024;

/**
 * Counts the events that AWS would write into the history of one standard execution. The number after each list of
 * events is their count:
 *
 * - execution: ExecutionStarted, and ExecutionSucceeded, ExecutionFailed or ExecutionTimedOut: 2
 * - Pass, Choice, Wait, Succeed: …StateEntered, …StateExited: 2; Fail: FailStateEntered: 1
 * - Task: TaskStateEntered, TaskStateExited: 2, and for each attempt TaskScheduled, TaskStarted and TaskSucceeded,
 *   TaskFailed or TaskTimedOut: 3; with a task token or `.sync` also TaskSubmitted: 4. An attempt that could not
 *   even be submitted ends with TaskSubmitFailed: 3. An expression that fails adds EvaluationFailed.
 * - Map: MapStateEntered, MapStateStarted, MapStateSucceeded or MapStateFailed, MapStateExited: 4, and for each item
 *   MapIterationStarted and MapIterationSucceeded, MapIterationFailed or MapIterationAborted: 2
 *
 * An item that is one task with a token therefore costs 2 + 2 + 4 = 8. A state that ends with an error and has
 * no Catch writes no …StateExited. Transitions, which AWS bills, are the entered states and the retries.
 */
export class History {
  readonly #name: string;
  readonly #onPayload: (json: string) => void;
  readonly byType = new Map<string, number>();
  events = 0;
  transitions = 0;
  largestPayload = { bytes: 0, what: 'nothing' };

  /**
   * @param name name of the execution, for error messages
   * @param onPayload called with each payload, as JSON
   */
  constructor(name: string, onPayload: (json: string) => void = () => {}) {
    this.#name = name;
    this.#onPayload = onPayload;
  }

  /** Counts an event. @throws InterpreterError if the history exceeds the limit of AWS */
  add(type: string): void {
    this.events += 1;
    this.byType.set(type, (this.byType.get(type) ?? 0) + 1);
    if (this.events > MAX_HISTORY_EVENTS) {
      throw new InterpreterError(`${this.#name}: more than ${MAX_HISTORY_EVENTS} events`);
    }
  }

  enter(type: string): void {
    this.transitions += 1;
    this.add(`${type}StateEntered`);
  }

  retry(): void {
    this.transitions += 1;
  }

  /**
   * Measures a payload.
   *
   * @returns a copy of the value, made through JSON
   * @throws InterpreterError if the payload exceeds the limit of AWS
   */
  carry(what: string, value: Json): Json {
    const text = JSON.stringify(value);
    this.#onPayload(text);
    const bytes = Buffer.byteLength(text);
    if (bytes > this.largestPayload.bytes) this.largestPayload = { bytes, what };
    if (bytes > MAX_PAYLOAD_BYTES) {
      throw new InterpreterError(`${this.#name}: ${what} has ${bytes} bytes, more than ${MAX_PAYLOAD_BYTES}`);
    }
    return typeof value === 'object' && value !== null ? JSON.parse(text) : value;
  }
}
