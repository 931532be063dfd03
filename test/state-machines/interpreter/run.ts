import type { Json, MachineDefinition } from './definition.ts';
import { CancelledError, StatesError } from './errors.ts';
import type { History } from './history.ts';
import type { Cancellation, Scheduler } from './scheduler.ts';

/**
 * The services that the tasks of a state machine call. If a service throws an error, Retry and Catch match
 * the error's `name`.
 */
export interface Services {
  invokeLambda(functionName: string, payload: Json): Promise<Json>;
  /** Resolves when the queue has the message. A worker answers later with the task token of the message. */
  sendMessage(queueUrl: string, body: string): Promise<void>;
  scheduler: Scheduler;
  /** Resolves when the service allows one more state transition. Omit it for a service that delays none. */
  transition?: (() => Promise<void>) | undefined;
  /** Called with each payload in the history of each execution, as JSON. */
  onPayload?: (json: string) => void;
  /** Returns a random number in [0, 1). The delay of a retry with jitter depends on this number. */
  random(): number;
}

/** Callbacks of a task that waits for the answer to its token. */
export interface Waiting {
  succeed(output: Json): void;
  fail(error: StatesError): void;
  beat(): void;
}

/** What the engine offers to its executions. */
export interface Host {
  readonly services: Services;
  issueToken(waiting: Waiting): string;
  withdrawToken(token: string): void;
  /** Starts a child execution. @throws StatesError StepFunctions.ExecutionAlreadyExistsException */
  startChild(machineArn: string, name: string, input: Json): Execution;
}

export interface Execution {
  readonly arn: string;
  readonly machineArn: string;
  readonly name: string;
  readonly input: Json;
  readonly startedAt: number;
  readonly history: History;
  /** Undefined while the execution runs. */
  outcome: Outcome | undefined;
  /**
   * Resolves with the outcome, even if the execution failed. Rejects only if an InterpreterError was thrown
   * or the interpreter has a bug.
   */
  readonly finished: Promise<Outcome>;
}

export type Outcome =
  | { status: 'SUCCEEDED'; output: Json }
  | { status: 'FAILED' | 'TIMED_OUT'; error: string; cause: string };

/** A running execution, or a running Map in an execution. */
export interface Run {
  readonly host: Host;
  readonly machine: MachineDefinition;
  readonly history: History;
  readonly cancellation: Cancellation;
}

/** One visit of one state. The retries of the state are part of the visit. */
export interface Visit {
  readonly run: Run;
  readonly name: string;
  readonly input: Json;
  /** The context object without the fields of this state (`State` and `Task`). */
  readonly outer: Record<string, Json>;
  retryCount: number;
}

/** Returns the value of `$states.context` during a visit. */
export function contextOf({ run, name, outer, retryCount }: Visit, more: Record<string, Json> = {}): Json {
  const now = new Date(run.host.services.scheduler.now()).toISOString();
  return { ...outer, State: { Name: name, EnteredTime: now, RetryCount: retryCount }, ...more };
}

/**
 * A time limit of a wait. When `ms` is over, the wait fails with `error`, unless `rest` returns more time.
 */
export interface Limit {
  ms: number;
  error: string;
  /**
   * Called when the time is over. Returns how many more milliseconds to wait. Omit it if the time is never
   * extended.
   */
  rest?: () => number;
}

/**
 * Reason for each abort. Without a reason, each abort creates an exception with a stack trace that no code
 * reads.
 */
const NOT_NEEDED = 'not needed any more';

/**
 * Waits for `pending` until it settles, a limit is reached or the run is cancelled.
 *
 * @throws StatesError the error of the limit that was reached
 * @throws CancelledError if the run is cancelled
 */
export function wait<Result>(run: Run, pending: Promise<Result>, limits: Limit[] = []): Promise<Result> {
  const { scheduler } = run.host.services;
  const timers = new AbortController();
  let release = () => {};
  const settled = new Promise<Result>((resolve, reject) => {
    pending.then(resolve, reject);
    release = run.cancellation.onCancel(() => reject(new CancelledError()));
    const guard = async ({ ms, error, rest }: Limit) => {
      for (let left = ms; left > 0; left = rest?.() ?? 0) await scheduler.sleep(left, timers.signal);
      reject(new StatesError(error, 'no answer in time'));
    };
    for (const limit of limits) guard(limit).catch(reject);
  });
  return settled.finally(() => {
    release();
    timers.abort(NOT_NEEDED);
  });
}

/** Sleeps. @throws CancelledError if the run is cancelled before the end */
export function pause(run: Run, ms: number): Promise<void> {
  const timer = new AbortController();
  const slept = run.host.services.scheduler.sleep(ms, timer.signal);
  return wait(run, slept).finally(() => timer.abort(NOT_NEEDED));
}
