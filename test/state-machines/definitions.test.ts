import { describe, expect, it } from 'vitest';
import { nodeGroupRequestSchema } from '../../functions/model/fleet-request.ts';
import { MAX_INLINE_MAP } from '../../functions/platform/workflow/messages.ts';
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
  'provision-fleet': [
    'AssignFunctionArn',
    'Partition',
    'ProvisionLocationArn',
    'RecordHistoryFunctionArn',
    'SettleFunctionArn',
    'TerminateFleetArn',
  ],
  'provision-location': ['Partition'],
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

  it(`each task of ${machine} has a Retry, and each task except Settle, RecordHistory and FinishTermination has a Catch`, () => {
    const finalTasks = ['Settle', 'RecordHistory', 'FinishTermination'];
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

it('provision-fleet runs at most 40 child executions of a site at a time, and each child at most 40 launches, because AWS runs no more iterations of an inline Map', () => {
  const text = definitionText('provision-fleet');
  const states = everyState(parseDefinition(text, SUBSTITUTIONS));
  const [, children] = states.find(([name]) => name === 'ByThousand') ?? [];
  if (children?.Type !== 'Map') throw new Error('the state ByThousand is not a Map');
  const ofChild = JSON.stringify(children.ItemSelector);
  expect(String(children.MaxConcurrency)).toBe(
    `{% $min([${MAX_INLINE_MAP}, $max([2, $ceil($states.input.concurrentInstances / ${MAX_INLINE_MAP})])]) %}`,
  );
  expect(ofChild).toContain(`$min([${MAX_INLINE_MAP}, $states.input.concurrentInstances])`);
});

it('the timeout of the state Launch is at least five minutes longer than the longest instance timeout of a fleet', () => {
  const { States } = parseDefinition(definitionText('provision-location'), SUBSTITUTIONS);
  const [, launch] = everyState({ StartAt: '', States }).find(([name]) => name === 'Launch') ?? [];
  const { instanceTimeoutSeconds } = nodeGroupRequestSchema.shape;
  const backstop = launch?.Type === 'Task' ? Number(launch.TimeoutSeconds) : Number.NaN;
  expect(instanceTimeoutSeconds.safeParse(backstop - 300).success).toBe(false);
});
