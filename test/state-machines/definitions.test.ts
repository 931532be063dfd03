import { describe, expect, it } from 'vitest';
import { nodeGroupRequestSchema } from '../../functions/model/fleet-request.ts';
import { parseDefinition, RESOURCES, type State, type StateGraph } from './interpreter/definition.ts';
import { definitionText, MACHINES, SUBSTITUTIONS } from './world.ts';

/** Returns every state with its name. The states within Maps are included. */
function everyState(graph: StateGraph): [string, State][] {
  return Object.entries(graph.States).flatMap(([name, state]): [string, State][] => [
    [name, state],
    ...(state.Type === 'Map' ? everyState(state.ItemProcessor) : []),
  ]);
}

const TOKENS = {
  'provision-fleet': ['AssignFunctionArn', 'Partition', 'SettleFunctionArn'],
  'terminate-fleet': ['BeginTerminationFunctionArn', 'FinishTerminationFunctionArn', 'Partition'],
};

describe.each(MACHINES)('%s', (machine) => {
  const text = definitionText(machine);
  // This call throws if a field is unknown, a target does not exist, or a state cannot be reached.
  const definition = parseDefinition(text, SUBSTITUTIONS);
  const states = everyState(definition);
  const recovering = states.flatMap(([name, state]) =>
    state.Type === 'Task' || state.Type === 'Map' ? [{ name, state }] : [],
  );
  const tasks = recovering.flatMap(({ name, state }) => (state.Type === 'Task' ? [{ name, state }] : []));

  it(`${machine} has exactly the substitutions for which the CDK app gives values`, () => {
    const found = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, token]) => token);
    expect([...new Set(found)].toSorted()).toEqual(TOKENS[machine]);
  });

  it(`each state of ${machine} has a unique name in PascalCase, and a comment`, () => {
    const names = states.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const [name, { Comment }] of states) {
      expect(name).toMatch(/^([A-Z][a-z]+)+$/);
      expect(Comment, name).toMatch(/\w{3}/);
    }
  });

  it(`each task of ${machine} has a Retry, and each task except Settle and FinishTermination has a Catch`, () => {
    const finalTasks = ['Settle', 'FinishTermination'];
    for (const { name, state } of tasks) {
      expect(state.Retry?.length, name).toBeGreaterThan(0);
      expect(state.Catch !== undefined, name).toBe(!finalTasks.includes(name));
    }
  });

  it(`each Lambda task of ${machine} retries the transient errors of Lambda`, () => {
    for (const { name, state } of tasks) {
      if (state.Resource !== RESOURCES.lambda) continue;
      const retried = (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(retried, name).toEqual(
        expect.arrayContaining([
          'Lambda.ServiceException',
          'Lambda.AWSLambdaException',
          'Lambda.SdkClientException',
          'Lambda.TooManyRequestsException',
          'States.ALL',
        ]),
      );
    }
  });

  it(`States.ALL is used only alone and last in the Retry and Catch lists of ${machine}, as AWS requires`, () => {
    for (const { name, state } of recovering) {
      for (const list of [state.Retry ?? [], state.Catch ?? []]) {
        list.forEach(({ ErrorEquals }, at) => {
          if (!ErrorEquals.includes('States.ALL')) return;
          expect([name, ErrorEquals.length, at]).toEqual([name, 1, list.length - 1]);
        });
      }
    }
  });

  it(`each task of ${machine} that waits for a token has a timeout`, () => {
    for (const { name, state } of tasks) {
      if (state.Resource === RESOURCES.callback) expect(state.TimeoutSeconds, name).toBeGreaterThan(0);
    }
  });

  it(`expressions of ${machine} read only from $states, and evaluate no text as code`, () => {
    for (const [, expression = ''] of text.matchAll(/"\{%(.*?)%\}"/g)) {
      expect(expression).not.toMatch(/\$eval\b|\$\$|\$states\.(?!input|result|errorOutput|context)/);
    }
  });

  it(`expressions of ${machine} use nothing that LocalStack's interpreter lacks: no $ alone, no $hash, no $uuid`, () => {
    for (const [, expression = ''] of text.matchAll(/"\{%(.*?)%\}"/g)) {
      expect(expression).not.toMatch(/\$(?![A-Za-z])|\$(hash|uuid)\b/);
    }
  });
});

/** Returns the state of provision-fleet with this name. */
function stateOf(name: string): State {
  const states = everyState(parseDefinition(definitionText('provision-fleet'), SUBSTITUTIONS));
  const [, state] = states.find(([one]) => one === name) ?? [];
  if (!state) throw new Error(`provision-fleet has no state ${name}`);
  return state;
}

it('provision-fleet bounds the locations and the launch messages that are worked on by what Assign answers', () => {
  const [locations, chunks] = ['ByLocation', 'ByChunk'].map(stateOf);
  if (locations?.Type !== 'Map' || chunks?.Type !== 'Map') throw new Error('a state is not a Map');
  expect(locations.MaxConcurrency).toBe('{% $states.input.concurrentLocations %}');
  expect(chunks.MaxConcurrency).toBe('{% $states.input.concurrentChunks %}');
});

it('the state Await outlasts the longest time limit of an instance, and its heartbeat the longest pause between checks', () => {
  const wait = stateOf('Await');
  const { instanceTimeoutSeconds } = nodeGroupRequestSchema.shape;
  if (wait.Type !== 'Task') throw new Error('the state Await is not a task');
  expect(instanceTimeoutSeconds.safeParse(Number(wait.TimeoutSeconds) - 300).success).toBe(false);
  expect(Number(wait.HeartbeatSeconds)).toBeGreaterThan(2 * 300);
});
