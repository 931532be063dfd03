import { describe, expect, it } from 'vitest';
import { nodeGroupRequestSchema } from '../../functions/model/fleet-request.ts';
import { MAX_INLINE_MAP } from '../../functions/platform/workflow/messages.ts';
import { parseDefinition, RESOURCES, type State, type StateGraph } from './interpreter/definition.ts';
import { definitionText, MACHINES, SUBSTITUTIONS } from './world.ts';

/** Every state with its name, those within Maps too. */
function everyState(graph: StateGraph): [string, State][] {
  return Object.entries(graph.States).flatMap(([name, state]): [string, State][] => [
    [name, state],
    ...(state.Type === 'Map' ? everyState(state.ItemProcessor) : []),
  ]);
}

const TOKENS = {
  'provision-fleet': [
    'AssignFunctionArn',
    'ProvisionLocationArn',
    'RecordHistoryFunctionArn',
    'SettleFunctionArn',
    'TerminateFleetArn',
  ],
  'provision-location': [],
  'terminate-fleet': ['BeginTerminationFunctionArn', 'FinishTerminationFunctionArn'],
};

describe.each(MACHINES)('%s', (machine) => {
  const text = definitionText(machine);
  // Throws for a field that is not known, a target that does not exist, a state that is never reached.
  const definition = parseDefinition(text, SUBSTITUTIONS);
  const states = everyState(definition);
  const recovering = states.flatMap(([name, state]) =>
    state.Type === 'Task' || state.Type === 'Map' ? [{ name, state }] : [],
  );
  const tasks = recovering.flatMap(({ name, state }) => (state.Type === 'Task' ? [{ name, state }] : []));

  it('has exactly the substitutions that infra fills', () => {
    const found = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, token]) => token);
    expect([...new Set(found)].toSorted()).toEqual(TOKENS[machine]);
  });

  it('names every state once, as a word, and says why it is there', () => {
    const names = states.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const [name, { Comment }] of states) {
      expect(name).toMatch(/^([A-Z][a-z]+)+$/);
      expect(Comment, name).toMatch(/\w{3}/);
    }
  });

  it('has a Retry on every Task, and a Catch on all but the last words', () => {
    const lastWords = ['Settle', 'RecordHistory', 'FinishTermination'];
    for (const { name, state } of tasks) {
      expect(state.Retry?.length, name).toBeGreaterThan(0);
      expect(state.Catch !== undefined, name).toBe(!lastWords.includes(name));
    }
  });

  it('retries what Lambda calls transient', () => {
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

  it('has States.ALL only alone and last, as AWS wants it', () => {
    for (const { name, state } of recovering) {
      for (const list of [state.Retry ?? [], state.Catch ?? []]) {
        list.forEach(({ ErrorEquals }, at) => {
          if (!ErrorEquals.includes('States.ALL')) return;
          expect([name, ErrorEquals.length, at]).toEqual([name, 1, list.length - 1]);
        });
      }
    }
  });

  it('waits for no token without end', () => {
    for (const { name, state } of tasks) {
      if (state.Resource === RESOURCES.callback) expect(state.TimeoutSeconds, name).toBeGreaterThan(0);
    }
  });

  it('reads state only by $states, and evaluates no text as code', () => {
    for (const [, expression = ''] of text.matchAll(/"\{%(.*?)%\}"/g)) {
      expect(expression).not.toMatch(/\$eval\b|\$\$|\$states\.(?!input|result|errorOutput|context)/);
    }
  });
});

it('launches as many at a time as AWS runs iterations of an inline Map', () => {
  const text = definitionText('provision-fleet');
  const states = everyState(parseDefinition(text, SUBSTITUTIONS));
  const [, children] = states.find(([name]) => name === 'ByThousand') ?? [];
  if (children?.Type !== 'Map') throw new Error('ByThousand is no Map');
  const ofChild = JSON.stringify(children.ItemSelector);
  expect(String(children.MaxConcurrency)).toBe(
    `{% $min([${MAX_INLINE_MAP}, $max([2, $ceil($states.input.concurrentInstances / ${MAX_INLINE_MAP})])]) %}`,
  );
  expect(ofChild).toContain(`$min([${MAX_INLINE_MAP}, $states.input.concurrentInstances])`);
});

it('backs the longest time-out that a fleet may ask for', () => {
  const { States } = parseDefinition(definitionText('provision-location'), SUBSTITUTIONS);
  const [, launch] = everyState({ StartAt: '', States }).find(([name]) => name === 'Launch') ?? [];
  const { instanceTimeoutSeconds } = nodeGroupRequestSchema.shape;
  const backstop = launch?.Type === 'Task' ? Number(launch.TimeoutSeconds) : Number.NaN;
  expect(instanceTimeoutSeconds.safeParse(backstop - 300).success).toBe(false);
});
