import { readFileSync } from 'node:fs';
import { executionName } from '../../functions/features/fleets/workflows.ts';
import { type DriverMessage, driverMessageSchema } from '../../functions/platform/workflow/messages.ts';
import { EXECUTION } from './assignment-builder.ts';
import { type Json, parseDefinition } from './interpreter/definition.ts';
import { Engine } from './interpreter/engine.ts';
import type { Execution, Outcome } from './interpreter/run.ts';
import { VirtualScheduler } from './interpreter/virtual-scheduler.ts';

export const MACHINES = ['provision-fleet', 'terminate-fleet'] as const;
export type MachineName = (typeof MACHINES)[number];

const ACCOUNT = 'eu-central-1:123456789012';

export function machineArn(name: MachineName): string {
  return `arn:aws:states:${ACCOUNT}:stateMachine:${name}`;
}

/** @throws TypeError if the ARN is of no shipped state machine */
export function machineOf(arn: string): MachineName {
  const machine = MACHINES.find((name) => machineArn(name) === arn);
  if (!machine) throw new TypeError(`no state machine has the ARN ${arn}`);
  return machine;
}

function functionArn(name: string): string {
  return `arn:aws:lambda:${ACCOUNT}:function:${name}`;
}

/** Values for all substitutions in the definitions of the state machines. */
export const SUBSTITUTIONS = {
  Partition: 'aws',
  AssignFunctionArn: functionArn('assign'),
  SettleFunctionArn: functionArn('settle'),
  BeginTerminationFunctionArn: functionArn('begin-termination'),
  FinishTerminationFunctionArn: functionArn('finish-termination'),
};

export function definitionText(name: MachineName): string {
  return readFileSync(new URL(`../../state-machines/${name}.asl.json`, import.meta.url), 'utf8');
}

/** Returns the input of an execution of the state machine `name`. */
export function inputOf(name: MachineName): Json {
  return name === 'terminate-fleet' ? { ...EXECUTION, scope: 'fleet' } : EXECUTION;
}

/**
 * A worker's answer to a message, and the delay of that answer. Undefined if the message gets no answer. A worker with
 * `beatEveryMs` sends heartbeats until it answers.
 */
export type Answer = { afterMs: number; success?: Json; failure?: string; beatEveryMs?: number } | undefined;
export type Answerer = (message: DriverMessage) => Answer;
export type Functions = Record<string, (payload: Json) => Json>;

/** Returns the functions of a fleet that has this assignment, and for which all goes well. */
export function usualFunctions(assignment: Json): Functions {
  return {
    assign: () => assignment,
    settle: () => ({ status: 'Running' }),
    'begin-termination': () => assignment,
    'finish-termination': () => ({ status: 'Terminated', done: true }),
  };
}

export interface Sent {
  at: number;
  answeredAt: number | undefined;
  message: DriverMessage;
}

/** Answers a launch message after a second, and a step that waits for launches after five seconds. */
export const allGood: Answerer = (message) => {
  const isAwait =
    message.kind === 'await-launches' || (message.kind === 'launch' && message.awaits !== undefined);
  return { afterMs: isAwait ? 5_000 : 1_000, success: {} };
};

/** Runs the state machines. Simulates the Lambda functions, and a driver's queue with its worker. */
export class World {
  readonly scheduler = new VirtualScheduler();
  readonly sent: Sent[] = [];
  readonly invoked: { name: string; payload: Json }[] = [];
  readonly engine: Engine;
  /** Error names. Each message that is sent to the queue fails with the first name left, and removes it. */
  readonly sendErrors: string[] = [];
  readonly #answer: Answerer;
  readonly #functions: Functions;
  readonly #startedAt = this.scheduler.now();

  constructor(assignment: Json, answer: Answerer = allGood, functions: Functions = {}) {
    this.#answer = answer;
    this.#functions = { ...usualFunctions(assignment), ...functions };
    const machines = MACHINES.map(
      (name) => [machineArn(name), parseDefinition(definitionText(name), SUBSTITUTIONS)] as const,
    );
    this.engine = new Engine(new Map(machines), {
      scheduler: this.scheduler,
      random: () => 0.5,
      invokeLambda: async (arn, payload) => this.#invoke(arn, payload),
      sendMessage: async (_, body) => this.#take(body),
    });
  }

  /**
   * Starts an execution of a state machine for the fleet. Resolves with the outcome when the execution ends.
   */
  async run(name: MachineName, input: Json = inputOf(name)): Promise<Outcome> {
    return this.scheduler.run(this.engine.start(machineArn(name), executionName(EXECUTION), input).finished);
  }

  executionsOf(name: MachineName): Execution[] {
    return this.engine.executions.filter((execution) => execution.machineArn === machineArn(name));
  }

  messages<Kind extends DriverMessage['kind']>(kind: Kind): Extract<DriverMessage, { kind: Kind }>[] {
    return this.sent.flatMap(({ message }) => (isKind(message, kind) ? [message] : []));
  }

  payloadsOf(name: string): Json[] {
    return this.invoked.filter((call) => call.name === name).map(({ payload }) => payload);
  }

  #invoke(arn: string, payload: Json): Json {
    const name = arn.split(':').at(-1) ?? '';
    this.invoked.push({ name, payload });
    const work = this.#functions[name];
    if (!work) throw named('Lambda.ResourceNotFoundException');
    return work(payload);
  }

  #take(body: string): void {
    const error = this.sendErrors.shift();
    if (error) throw named(error);
    const message = driverMessageSchema.parse(JSON.parse(body));
    const sent: Sent = { at: this.scheduler.now() - this.#startedAt, answeredAt: undefined, message };
    this.sent.push(sent);
    const answer = this.#answer(message);
    if (answer && 'taskToken' in message && message.taskToken !== undefined)
      void this.#reply(sent, message.taskToken, answer);
  }

  async #reply(sent: Sent, token: string, answer: NonNullable<Answer>): Promise<void> {
    const { afterMs, success, failure, beatEveryMs = afterMs } = answer;
    let left = afterMs;
    for (; left > beatEveryMs; left -= beatEveryMs) {
      await this.scheduler.sleep(beatEveryMs);
      this.engine.sendTaskHeartbeat(token);
    }
    await this.scheduler.sleep(left);
    sent.answeredAt = this.scheduler.now() - this.#startedAt;
    if (failure === undefined) this.engine.sendTaskSuccess(token, success ?? {});
    else this.engine.sendTaskFailure(token, failure, 'sent by the test');
  }
}

function isKind<Kind extends DriverMessage['kind']>(
  message: DriverMessage,
  kind: Kind,
): message is Extract<DriverMessage, { kind: Kind }> {
  return message.kind === kind;
}

export function named(name: string): Error {
  const error = new Error(name);
  error.name = name;
  return error;
}

/** Returns the maximum number of messages that were unanswered at the same time. */
export function peak(sent: Sent[]): number {
  const changes = sent.flatMap(({ at, answeredAt = Number.POSITIVE_INFINITY }) => [
    { at, by: 1 },
    { at: answeredAt, by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  return Math.max(0, ...changes.map(({ by }) => (now += by)));
}
