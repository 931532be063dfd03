import { describe, expect, it } from 'vitest';
import type { Json } from './interpreter/definition.ts';
import { StatesError } from './interpreter/errors.ts';
import { ARN, engineOf, fail, machineText, task } from './small-machines.ts';

describe('Map', () => {
  const map = (items: string, more: Record<string, Json> = {}, state = task()): string =>
    machineText({
      A: {
        Type: 'Map',
        Items: items,
        ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'B', States: { B: state } },
        End: true,
        ...more,
      },
    });

  it('a Map returns the results in the order of its items, and gives each item the input that ItemSelector describes', async () => {
    const text = map('{% [3..5] %}', {
      ItemSelector: {
        at: '{% $states.context.Map.Item.Index %}',
        value: '{% $states.context.Map.Item.Value %}',
      },
    });
    const { run } = engineOf(text, (payload) => payload);
    const output = [3, 4, 5].map((value, at) => ({ at, value }));
    expect(await run()).toEqual({ status: 'SUCCEEDED', output });
  });

  it('a Map without MaxConcurrency runs at most forty items at the same time', async () => {
    const { calls, run, scheduler } = engineOf(map('{% [1..100] %}'), async () => {
      await scheduler.sleep(1_000);
      return null;
    });
    await run();
    expect([0, 1_000, 2_000].map((at) => calls.filter((call) => call === at).length)).toEqual([40, 40, 20]);
  });

  it('a Map fails when an item fails: it cancels the running items and starts no further item', async () => {
    const text = map('{% [1..9] %}', { MaxConcurrency: 3 });
    const { calls, run, engine, scheduler } = engineOf(text, async (payload) => {
      await scheduler.sleep(payload === 2 ? 500 : 1_000);
      return payload === 2 ? fail('Busy') : null;
    });
    expect(await run()).toMatchObject({ status: 'FAILED', error: 'Busy' });
    expect(calls).toHaveLength(3);
    const { byType } = engine.executions[0]?.history ?? {};
    expect(byType?.get('MapIterationFailed')).toBe(1);
    expect(byType?.get('MapIterationAborted')).toBe(2);
  });

  it('a Map fails if its items are not a list', async () => {
    const { run } = engineOf(map('{% 5 %}'));
    expect(await run()).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
  });

  it('a Map that causes more than 25,000 history events is refused', async () => {
    const { run } = engineOf(map('{% [1..5000] %}'));
    await expect(run()).rejects.toThrow('more than 25000 events');
  });
});

describe('an execution', () => {
  it('the interpreter refuses a payload of more than 256 KiB', async () => {
    const { run } = engineOf(machineText({ A: task() }), () => 'x'.repeat(256 * 1024));
    await expect(run()).rejects.toThrow('result of A has');
  });

  it('an execution ends at its timeout, and enters no further state', async () => {
    const text = machineText(
      {
        A: { Type: 'Wait', Seconds: 60, Next: 'B' },
        B: task(),
      },
      { TimeoutSeconds: 59 },
    );
    const { run, calls } = engineOf(text);
    expect(await run()).toMatchObject({ status: 'TIMED_OUT' });
    expect(calls).toEqual([]);
  });

  it('a start with the name and input of a running execution returns that execution, and a start with other input is refused', async () => {
    const { engine, run } = engineOf(machineText({ A: { Type: 'Succeed' } }));
    const first = engine.start(ARN, 'one', { a: 1 });
    expect(engine.start(ARN, 'one', { a: 1 })).toBe(first);
    expect(() => engine.start(ARN, 'one', { a: 2 })).toThrow(StatesError);
    expect(await run({ a: 1 })).toEqual({ status: 'SUCCEEDED', output: { a: 1 } });
    expect(() => engine.start(ARN, 'one', { a: 1 })).toThrow(StatesError);
  });

  it('a Choice branches by a condition, which must be a boolean', async () => {
    const choice = (Condition: string) =>
      machineText({
        A: { Type: 'Choice', Choices: [{ Condition, Next: 'B' }], Default: 'C' },
        B: { Type: 'Succeed' },
        C: { Type: 'Fail', Error: 'NotB', Cause: "{% 'input ' & $states.input.a %}" },
      });
    const yes = engineOf(choice('{% $states.input.a = 1 %}'));
    expect(await yes.run({ a: 1 })).toMatchObject({ status: 'SUCCEEDED' });
    const no = engineOf(choice('{% $states.input.a = 1 %}'));
    expect(await no.run({ a: 2 })).toEqual({ status: 'FAILED', error: 'NotB', cause: 'input 2' });
    const neither = engineOf(choice('{% $states.input.a %}'));
    expect(await neither.run({ a: 1 })).toMatchObject({ error: 'States.QueryEvaluationError' });
  });
});
