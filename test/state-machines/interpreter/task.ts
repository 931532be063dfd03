import * as z from 'zod';
import { type Json, RESOURCES, type TaskState } from './definition.ts';
import { CancelledError, InterpreterError, StatesError } from './errors.ts';
import { type Bindings, fill, fillAs } from './expressions.ts';
import type { Left } from './recovery.ts';
import { contextOf, type Host, type Limit, type Visit, wait } from './run.ts';

const lambdaArguments = z.strictObject({ FunctionName: z.string(), Payload: z.json() });
const messageArguments = z.strictObject({ QueueUrl: z.string(), MessageBody: z.json() });
const childArguments = z.strictObject({
  StateMachineArn: z.string(),
  Name: z.string().regex(/^[A-Za-z0-9_-]{1,80}$/),
  Input: z.json(),
});
const secondsSchema = z.int().positive();

/**
 * Runs one attempt of a Task: computes the arguments, makes the call, and computes the output from the
 * answer.
 */
export async function attemptTask(state: TaskState, visit: Visit): Promise<Left> {
  const { run, name, input } = visit;
  const { history } = run;
  const reply = state.Resource === RESOURCES.callback ? new Reply(run.host) : undefined;
  try {
    const context = contextOf(visit, reply ? { Task: { Token: reply.token } } : {});
    const limits = await limitsOf(state, { input, context });
    const filled = history.carry(`arguments of ${name}`, await fill(state.Arguments, { input, context }));
    history.add('TaskScheduled');
    history.add('TaskStarted');
    let answer: Json;
    if (reply) answer = await callback(visit, filled, limits, reply);
    else if (state.Resource === RESOURCES.child) answer = await child(visit, filled, limits);
    else if (state.Resource === RESOURCES.start) answer = await begin(visit, filled);
    else answer = await lambda(visit, filled, limits);
    history.add('TaskSucceeded');
    const result = history.carry(`result of ${name}`, answer);
    const output = state.Output === undefined ? result : await fill(state.Output, { input, context, result });
    return { output, next: state.Next };
  } finally {
    reply?.withdraw();
  }
}

/** Issues a task token, and provides a promise of the answer to that token. */
class Reply {
  readonly token: string;
  readonly answer: Promise<Json>;
  beatAt: number;
  readonly #host: Host;

  constructor(host: Host) {
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    const { scheduler } = host.services;
    this.#host = host;
    this.answer = promise;
    this.beatAt = scheduler.now();
    this.token = host.issueToken({
      succeed: resolve,
      fail: reject,
      beat: () => {
        this.beatAt = scheduler.now();
      },
    });
    // The task may fail while its message is still being sent, before the run awaits `promise`. Without this
    // handler, Node reports an unhandled rejection.
    promise.catch(() => {});
  }

  withdraw(): void {
    this.#host.withdrawToken(this.token);
  }
}

async function limitsOf(state: TaskState, states: Bindings): Promise<Limit[]> {
  const limits: Limit[] = [];
  for (const [field, error] of [
    ['TimeoutSeconds', 'States.Timeout'],
    ['HeartbeatSeconds', 'States.HeartbeatTimeout'],
  ] as const) {
    const template = state[field];
    if (template === undefined) continue;
    limits.push({ ms: (await fillAs(secondsSchema, field, template, states)) * 1_000, error });
  }
  const [timeout, heartbeat] = limits;
  if (timeout && heartbeat && heartbeat.ms >= timeout.ms) {
    throw new StatesError('States.Runtime', 'HeartbeatSeconds must be smaller than TimeoutSeconds');
  }
  return limits;
}

/**
 * Waits for a call. If the call fails, counts the failure in the history.
 *
 * @throws StatesError with the name of the call's error, for Retry and Catch
 */
async function counted<Result>(visit: Visit, type: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CancelledError || error instanceof InterpreterError) throw error;
    const { name, message } = error instanceof Error ? error : new TypeError(String(error));
    const late = name === 'States.Timeout' || name === 'States.HeartbeatTimeout';
    visit.run.history.add(late ? 'TaskTimedOut' : type);
    throw new StatesError(name, message);
  }
}

async function lambda(visit: Visit, filled: Json, limits: Limit[]): Promise<Json> {
  const { FunctionName, Payload } = lambdaArguments.parse(filled);
  const invoked = visit.run.host.services.invokeLambda(FunctionName, Payload);
  const answer = await counted(visit, 'TaskFailed', wait(visit.run, invoked, limits));
  return { StatusCode: 200, ExecutedVersion: '$LATEST', Payload: answer };
}

async function callback(visit: Visit, filled: Json, limits: Limit[], reply: Reply): Promise<Json> {
  const { run } = visit;
  const { scheduler, sendMessage } = run.host.services;
  const { QueueUrl, MessageBody } = messageArguments.parse(filled);
  const body = typeof MessageBody === 'string' ? MessageBody : JSON.stringify(MessageBody);
  await counted(visit, 'TaskSubmitFailed', wait(run, sendMessage(QueueUrl, body)));
  run.history.add('TaskSubmitted');
  const beaten = limits.map((limit) =>
    limit.error === 'States.HeartbeatTimeout'
      ? { ...limit, rest: () => limit.ms - (scheduler.now() - reply.beatAt) }
      : limit,
  );
  return counted(visit, 'TaskFailed', wait(run, reply.answer, beaten));
}

/** Starts an execution without waiting for its end. */
async function begin(visit: Visit, filled: Json): Promise<Json> {
  const { StateMachineArn, Name, Input } = childArguments.parse(filled);
  const starting = (async () => visit.run.host.startChild(StateMachineArn, Name, Input))();
  const execution = await counted(visit, 'TaskFailed', starting);
  return { ExecutionArn: execution.arn, StartDate: execution.startedAt };
}

/**
 * Starts an execution and waits for its end. Unlike in AWS, the child continues if the parent is cancelled.
 */
async function child(visit: Visit, filled: Json, limits: Limit[]): Promise<Json> {
  const { run } = visit;
  const { StateMachineArn, Name, Input } = childArguments.parse(filled);
  const starting = (async () => run.host.startChild(StateMachineArn, Name, Input))();
  const execution = await counted(visit, 'TaskSubmitFailed', starting);
  run.history.add('TaskSubmitted');
  const ended = execution.finished.then((outcome) => {
    if (outcome.status === 'SUCCEEDED') return outcome.output;
    throw new StatesError('States.TaskFailed', JSON.stringify({ ...outcome, ExecutionArn: execution.arn }));
  });
  const output = await counted(visit, 'TaskFailed', wait(run, ended, limits));
  return {
    ExecutionArn: execution.arn,
    Input: JSON.stringify(execution.input),
    Name: execution.name,
    Output: output,
    StartDate: execution.startedAt,
    StateMachineArn: execution.machineArn,
    Status: 'SUCCEEDED',
    StopDate: run.host.services.scheduler.now(),
  };
}
