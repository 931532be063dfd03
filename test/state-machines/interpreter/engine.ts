import type { Json, MachineDefinition } from './definition.ts';
import { StatesError, TaskDoesNotExist } from './errors.ts';
import { runGraph } from './graph.ts';
import { History } from './history.ts';
import type { Execution, Host, Outcome, Run, Services, Waiting } from './run.ts';
import { Cancellation } from './scheduler.ts';

/**
 * Runs state machines in memory, with the clock of `services.scheduler`. Counts history events, transitions
 * and payloads as AWS does.
 */
export class Engine implements Host {
  readonly services: Services;
  readonly #machines: ReadonlyMap<string, MachineDefinition>;
  readonly #executions = new Map<string, Execution>();
  readonly #waiting = new Map<string, Waiting>();
  #tokens = 0;

  /** @param machines definitions of the state machines; the key is the ARN */
  constructor(machines: ReadonlyMap<string, MachineDefinition>, services: Services) {
    this.#machines = machines;
    this.services = services;
  }

  /** All executions so far, in the order of their starts. */
  get executions(): Execution[] {
    return [...this.#executions.values()];
  }

  /**
   * Starts an execution. If an execution with this name and input is running, returns that execution.
   *
   * @throws StatesError StepFunctions.ExecutionAlreadyExistsException if the name was used with other input,
   *   or the execution of this name has ended
   */
  start(machineArn: string, name: string, input: Json): Execution {
    const machine = this.#machines.get(machineArn);
    if (!machine) throw new StatesError('StepFunctions.StateMachineDoesNotExistException', machineArn);
    const arn = `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const known = this.#executions.get(arn);
    if (known) {
      if (!known.outcome && JSON.stringify(known.input) === JSON.stringify(input)) return known;
      throw new StatesError('StepFunctions.ExecutionAlreadyExistsException', arn);
    }
    const history = new History(name, this.services.onPayload);
    const startedAt = this.services.scheduler.now();
    const finished = Promise.withResolvers<Outcome>();
    const execution: Execution = {
      arn,
      machineArn,
      name,
      input,
      startedAt,
      history,
      outcome: undefined,
      finished: finished.promise,
    };
    this.#executions.set(arn, execution);
    this.#run(machine, execution).then((outcome) => {
      execution.outcome = outcome;
      finished.resolve(outcome);
    }, finished.reject);
    return execution;
  }

  startChild(machineArn: string, name: string, input: Json): Execution {
    return this.start(machineArn, name, input);
  }

  /** Completes the task that waits for the token. @throws TaskDoesNotExist if no task waits for the token */
  sendTaskSuccess(token: string, output: Json): void {
    this.#take(token).succeed(output);
    this.withdrawToken(token);
  }

  /** Fails the task that waits for the token. @throws TaskDoesNotExist if no task waits for the token */
  sendTaskFailure(token: string, error: string, cause: string): void {
    this.#take(token).fail(new StatesError(error, cause));
    this.withdrawToken(token);
  }

  /**
   * Records a heartbeat of the task that waits for the token.
   *
   * @throws TaskDoesNotExist if no task waits for the token
   */
  sendTaskHeartbeat(token: string): void {
    this.#take(token).beat();
  }

  issueToken(waiting: Waiting): string {
    this.#tokens += 1;
    // Tokens of AWS have this length. With shorter tokens, the payloads would be smaller than those of AWS.
    const token = `token-${this.#tokens}-`.padEnd(700, 'x');
    this.#waiting.set(token, waiting);
    return token;
  }

  withdrawToken(token: string): void {
    this.#waiting.delete(token);
  }

  #take(token: string): Waiting {
    const waiting = this.#waiting.get(token);
    if (!waiting) throw new TaskDoesNotExist('nothing waits for this task token');
    return waiting;
  }

  async #run(machine: MachineDefinition, execution: Execution): Promise<Outcome> {
    const { history, input, name, arn, machineArn, startedAt } = execution;
    const cancellation = new Cancellation();
    const run: Run = { host: this, machine, history, cancellation };
    const context = {
      Execution: { Id: arn, Input: input, Name: name, StartTime: new Date(startedAt).toISOString() },
      StateMachine: { Id: machineArn, Name: machineArn.split(':').at(-1) ?? '' },
    };
    history.add('ExecutionStarted');
    const limit = new AbortController();
    let timedOut = false;
    const guard = async () => {
      await this.services.scheduler.sleep(machine.TimeoutSeconds * 1_000, limit.signal);
      timedOut = true;
      cancellation.cancel();
    };
    void guard();
    try {
      const output = await runGraph(machine, input, run, context);
      history.add('ExecutionSucceeded');
      return { status: 'SUCCEEDED', output };
    } catch (error) {
      if (timedOut) {
        history.add('ExecutionTimedOut');
        return { status: 'TIMED_OUT', error: 'States.Timeout', cause: '' };
      }
      if (!(error instanceof StatesError)) throw error;
      history.add('ExecutionFailed');
      return { status: 'FAILED', error: error.name, cause: error.message };
    } finally {
      limit.abort();
    }
  }
}
