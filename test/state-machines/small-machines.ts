import { type Json, parseDefinition, RESOURCES } from './interpreter/definition.ts';
import { Engine } from './interpreter/engine.ts';
import { StatesError } from './interpreter/errors.ts';
import { VirtualScheduler } from './interpreter/virtual-scheduler.ts';

export const ARN = 'arn:aws:states:eu-central-1:123456789012:stateMachine:tried';

type Work = (payload: Json, attempt: number) => Json | Promise<Json>;

export function machineText(states: Json, more: Record<string, Json> = {}): string {
  const [first = ''] = Object.keys(Object(states));
  return JSON.stringify({
    QueryLanguage: 'JSONata',
    TimeoutSeconds: 3_600,
    StartAt: first,
    States: states,
    ...more,
  });
}

export function engineOf(
  text: string,
  work: Work = () => null,
  onMessage: (token: string) => void = () => {},
) {
  const scheduler = new VirtualScheduler();
  const calls: number[] = [];
  const startedAt = scheduler.now();
  const engine = new Engine(new Map([[ARN, parseDefinition(text, {})]]), {
    scheduler,
    random: () => 0.5,
    invokeLambda: async (_, payload) => {
      calls.push(scheduler.now() - startedAt);
      return work(payload, calls.length);
    },
    sendMessage: async (_, body) => onMessage(body),
  });
  const run = (input: Json = {}) => scheduler.run(engine.start(ARN, 'one', input).finished);
  return { engine, scheduler, calls, run };
}

export function task(more: Record<string, Json> = {}): Json {
  return {
    Type: 'Task',
    Resource: RESOURCES.lambda,
    Arguments: { FunctionName: 'f', Payload: '{% $states.input %}' },
    Output: '{% $states.result.Payload %}',
    End: true,
    ...more,
  };
}

export function callbackTask(more: Record<string, Json> = {}): Json {
  const message = { QueueUrl: 'q', MessageBody: '{% $states.context.Task.Token %}' };
  return { Type: 'Task', Resource: RESOURCES.callback, Arguments: message, End: true, ...more };
}

export function fail(name: string): never {
  throw new StatesError(name, 'thrown by the test');
}
