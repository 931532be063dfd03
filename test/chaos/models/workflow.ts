import { readFileSync } from 'node:fs';
import {
  type ExecutionRef,
  executionName,
  inputOf,
  type Workflows,
} from '../../../functions/features/fleets/workflows.ts';
import { CALL_LIMITS } from '../../../functions/platform/runtime/aws-clients.ts';
import type { Tasks } from '../../../functions/platform/worker/context.ts';
import {
  type Json,
  type MachineDefinition,
  parseDefinition,
} from '../../state-machines/interpreter/definition.ts';
import { Engine } from '../../state-machines/interpreter/engine.ts';
import { StatesError, TaskDoesNotExist } from '../../state-machines/interpreter/errors.ts';
import type { Execution } from '../../state-machines/interpreter/run.ts';
import { MACHINES, type MachineName, machineArn, SUBSTITUTIONS } from '../../state-machines/world.ts';
import type { Ground } from '../ground/ground.ts';
import type { Process } from '../ground/process.ts';
import type { ServiceMeters } from './service-limits.ts';

let shipped: ReadonlyMap<string, MachineDefinition> | undefined;

/** Reads the shipped state machines at the first call, and returns them. */
function definitions(): ReadonlyMap<string, MachineDefinition> {
  shipped ??= new Map(
    MACHINES.map((name) => {
      const file = new URL(`../../../state-machines/${name}.asl.json`, import.meta.url);
      return [machineArn(name), parseDefinition(readFileSync(file, 'utf8'), SUBSTITUTIONS)];
    }),
  );
  return shipped;
}

export interface WorkflowHost {
  /** @param name the function's name, not its ARN */
  invoke(name: string, payload: Json): Promise<Json>;
  send(queueUrl: string, body: string): void;
  meters: ServiceMeters;
  /** Called with each payload in the history of each execution, as JSON. */
  onPayload?: ((json: string) => void) | undefined;
}

const { maxAttempts } = CALL_LIMITS['step-functions'];

/**
 * Models Step Functions: interprets the shipped definitions and offers the part of the API that the functions
 * use.
 */
export class Workflow {
  readonly engine: Engine;
  readonly #ground: Ground;
  readonly #meters: ServiceMeters;

  constructor(ground: Ground, { invoke, send, meters, onPayload = () => {} }: WorkflowHost) {
    this.#ground = ground;
    this.#meters = meters;
    this.engine = new Engine(definitions(), {
      scheduler: ground.scheduler,
      onPayload,
      transition: meters.stateTransitions.inTurn,
      random: () => ground.random.next(),
      invokeLambda: async (arn, payload) => {
        await ground.sleep(ground.latencyMs());
        this.#stumble('Lambda.TooManyRequestsException');
        const answer = await invoke(arn.split(':').at(-1) ?? '', payload);
        await ground.sleep(ground.latencyMs());
        this.#stumble('Lambda.ServiceException');
        return answer;
      },
      sendMessage: async (queueUrl, body) => {
        await ground.sleep(ground.latencyMs());
        this.#stumble('SQS.RequestThrottledException');
        send(queueUrl, body);
        await ground.sleep(ground.latencyMs());
        this.#stumble('SQS.SdkClientException');
      },
    });
  }

  #stumble(name: string): void {
    const { random, disturbance, counts } = this.#ground;
    if (!random.chance(disturbance.serviceError)) return;
    counts.serviceErrors += 1;
    throw new StatesError(name, 'a simulated failure of the service');
  }

  get running(): Execution[] {
    return this.engine.executions.filter(({ outcome }) => outcome === undefined);
  }

  /** Returns the executions API for one process. */
  executionsOf(process: Process): Workflows {
    const { startExecution, describeExecution } = this.#meters;
    return {
      start: (ref) =>
        startExecution.call(process, asked(`start ${ref.work} ${executionName(ref)}`), () => {
          try {
            this.engine.start(machineArn(machineOf(ref)), executionName(ref), inputOf(ref));
          } catch (error) {
            if (!(error instanceof StatesError) || !error.name.includes('ExecutionAlreadyExists'))
              throw error;
          }
        }),
      state: (ref) =>
        describeExecution.call(process, asked(`describe ${ref.work} ${executionName(ref)}`), () => {
          const execution = this.engine.executions.find(
            ({ machineArn: arn, name }) => arn === machineArn(machineOf(ref)) && name === executionName(ref),
          );
          if (!execution) return 'absent';
          return execution.outcome === undefined ? 'running' : 'ended';
        }),
    };
  }

  /** Returns the task token API for one process. */
  tasksOf(process: Process): Tasks {
    const { engine } = this;
    const answer = (what: string, send: () => void) =>
      this.#meters.sendTask.call(process, asked(what), () => this.#answer(send));
    return {
      async succeed(token, output) {
        await answer(`succeed ${short(token)} ${JSON.stringify(output)}`, () =>
          engine.sendTaskSuccess(token, JSON.parse(JSON.stringify(output))),
        );
      },
      async fail(token, error, cause) {
        await answer(`fail ${short(token)} ${error}`, () => engine.sendTaskFailure(token, error, cause));
      },
      heartbeat: (token) => answer(`heartbeat ${short(token)}`, () => engine.sendTaskHeartbeat(token)),
    };
  }

  /**
   * Sends a task's answer, with faults that are drawn at random.
   *
   * @returns true if the step was still waiting
   */
  #answer(send: () => void): boolean {
    const { random, disturbance, counts, scheduler } = this.#ground;
    if (random.chance(disturbance.serviceError)) {
      counts.serviceErrors += 1;
      throw new StatesError('ThrottlingException', 'a simulated failure of the service');
    }
    if (random.chance(disturbance.lateToken)) {
      void scheduler.sleep(random.int(1_000, 900_000)).then(() => this.#quietly(send));
    }
    const waited = this.#quietly(send);
    if (random.chance(disturbance.serviceError)) {
      counts.lostReplies += 1;
      throw new StatesError('TimeoutError', 'the answer was lost');
    }
    return waited;
  }

  #quietly(send: () => void): boolean {
    try {
      send();
      return true;
    } catch (error) {
      if (!(error instanceof TaskDoesNotExist)) throw error;
      this.#ground.counts.expiredTokens += 1;
      return false;
    }
  }
}

const machineOf = ({ work }: ExecutionRef): MachineName =>
  work === 'provision' ? 'provision-fleet' : 'terminate-fleet';

const asked = (what: string) => ({ what, maxAttempts });

const short = (token: string): string => token.replace(/-x*$/, '');
