import { describe, expect, it } from 'vitest';
import { type Json, parseDefinition } from './interpreter/definition.ts';
import { callbackTask, engineOf, fail, machineText, task } from './small-machines.ts';

describe('parseDefinition', () => {
  it.each([
    ['with an unknown field', task({ ResultPath: '$.x' })],
    ['with a field of another query language', task({ Parameters: {} })],
    ['with an unknown service', task({ Resource: 'arn:aws:states:::sns:publish' })],
    ['with a state that has neither Next nor End', { Type: 'Pass' }],
    ['with a state that has both Next and End', { Type: 'Pass', Next: 'A', End: true }],
    ['with a target that does not exist', { Type: 'Pass', Next: 'B' }],
    ['with a distributed Map', { Type: 'Map', Items: '{% [] %}', ItemProcessor: {}, End: true }],
  ])('a definition %s is refused', (_, state) => {
    expect(() => parseDefinition(machineText({ A: state }), {})).toThrow();
  });

  it('a definition with a state that is never reached is refused', () => {
    const text = machineText({ A: { Type: 'Succeed' }, B: { Type: 'Succeed' } });
    expect(() => parseDefinition(text, {})).toThrow('never reached: B');
  });

  it('a definition with a substitution that has no value is refused', () => {
    const text = machineText({ A: { Type: 'Succeed', Comment: '$' + '{Gap}' } });
    expect(() => parseDefinition(text, {})).toThrow('Gap');
  });
});

describe('Retry', () => {
  const retry = (more: Record<string, Json>) => [{ ErrorEquals: ['Busy'], IntervalSeconds: 2, ...more }];

  it('a Retry doubles its delay each time, up to MaxDelaySeconds', async () => {
    const state = task({ Retry: retry({ MaxAttempts: 4, MaxDelaySeconds: 5 }) });
    const { calls, run, engine } = engineOf(machineText({ A: state }), (_, attempt) =>
      attempt < 5 ? fail('Busy') : 'done',
    );
    expect(await run()).toEqual({ status: 'SUCCEEDED', output: 'done' });
    expect(calls).toEqual([0, 2_000, 6_000, 11_000, 16_000]);
    expect(engine.executions[0]?.history).toMatchObject({ events: 2 + 2 + 5 * 3, transitions: 5 });
  });

  it('a Retry with full jitter waits for a random part of the delay', async () => {
    const state = task({ Retry: retry({ JitterStrategy: 'FULL' }) });
    const { calls, run } = engineOf(machineText({ A: state }), (_, attempt) =>
      attempt < 3 ? fail('Busy') : 'done',
    );
    await run();
    expect(calls).toEqual([0, 1_000, 3_000]);
  });

  it('each retrier counts its own retries, and the first retrier that matches the error decides whether to retry', async () => {
    const state = task({
      Retry: [
        { ErrorEquals: ['Busy'], MaxAttempts: 1, IntervalSeconds: 1 },
        { ErrorEquals: ['Fatal'], MaxAttempts: 0 },
        { ErrorEquals: ['States.ALL'], MaxAttempts: 5, IntervalSeconds: 1, BackoffRate: 1 },
      ],
    });
    const tried = engineOf(machineText({ A: state }), (_, attempt) => fail(attempt === 2 ? 'Other' : 'Busy'));
    expect(await tried.run()).toMatchObject({ status: 'FAILED', error: 'Busy' });
    expect(tried.calls).toHaveLength(3);
    const fatal = engineOf(machineText({ A: state }), () => fail('Fatal'));
    expect(await fatal.run()).toMatchObject({ status: 'FAILED', error: 'Fatal' });
    expect(fatal.calls).toHaveLength(1);
  });
});

describe('Catch', () => {
  const caught = (errorEquals: string[]) =>
    machineText({
      A: task({
        Catch: [{ ErrorEquals: errorEquals, Output: '{% $states.errorOutput.Error %}', Next: 'B' }],
      }),
      B: { Type: 'Pass', End: true },
    });

  it('a Catch handles an error by its name, and its output is the input of the next state', async () => {
    const { run } = engineOf(caught(['Busy']), () => fail('Busy'));
    expect(await run()).toEqual({ status: 'SUCCEEDED', output: 'Busy' });
  });

  it('a Catch with States.ALL does not handle States.Runtime', async () => {
    const { run } = engineOf(caught(['States.ALL']), () => fail('States.Runtime'));
    expect(await run()).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  });

  it('a Catch handles the error that an expression without a value causes', async () => {
    const state = task({
      Output: '{% $states.result.Payload.missing %}',
      Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'B' }],
    });
    const { run } = engineOf(
      machineText({ A: state, B: { Type: 'Pass', Output: 'caught', End: true } }),
      () => ({}),
    );
    expect(await run()).toEqual({ status: 'SUCCEEDED', output: 'caught' });
  });
});

describe('a task with a token', () => {
  it('a task with a token times out, and a late answer is refused', async () => {
    let token = '';
    const text = machineText({ A: callbackTask({ TimeoutSeconds: 60 }) });
    const { run, engine, scheduler } = engineOf(text, undefined, (sent) => {
      token = sent;
    });
    const before = scheduler.now();
    expect(await run()).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(scheduler.now() - before).toBe(60_000);
    expect(() => engine.sendTaskSuccess(token, {})).toThrow('nothing waits');
  });

  it('a task times out only after its heartbeats stop', async () => {
    const state = callbackTask({ TimeoutSeconds: 100, HeartbeatSeconds: '{% 30 %}' });
    const { run, engine, scheduler } = engineOf(machineText({ A: state }), undefined, (token) => {
      const beat = async () => {
        for (const ms of [20_000, 25_000]) {
          await scheduler.sleep(ms);
          engine.sendTaskHeartbeat(token);
        }
      };
      void beat();
    });
    const before = scheduler.now();
    expect(await run()).toMatchObject({ status: 'FAILED', error: 'States.HeartbeatTimeout' });
    expect(scheduler.now() - before).toBe(75_000);
    expect(engine.executions[0]?.history.byType.get('TaskTimedOut')).toBe(1);
  });

  it('a task may be answered while its message is being sent', async () => {
    const { run, engine } = engineOf(
      machineText({ A: callbackTask({ TimeoutSeconds: 9 }) }),
      undefined,
      (token) => engine.sendTaskSuccess(token, 'at once'),
    );
    expect(await run()).toEqual({ status: 'SUCCEEDED', output: 'at once' });
  });
});
