import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import { expect, it } from 'vitest';
import { CALM } from './ground/disturbance.ts';
import { Ground } from './ground/ground.ts';
import { Process } from './ground/process.ts';
import { ParameterStore } from './models/parameters.ts';
import { type ServiceLimits, ServiceMeters, SMALL_REGION } from './models/service-limits.ts';
import { Workflow } from './models/workflow.ts';

const FLEET = 'f-0123456789abcde';

/** Runs `work` over services with these limits. */
async function play<Result>(
  limits: ServiceLimits | undefined,
  work: (world: { ground: Ground; meters: ServiceMeters; process: Process }) => Promise<Result>,
): Promise<Result> {
  const ground = new Ground(1, CALM, false, Number.POSITIVE_INFINITY);
  const meters = new ServiceMeters(ground, limits);
  return await ground.scheduler.run(work({ ground, meters, process: new Process('one', ground, 0) }));
}

/** Counts the promises that are fulfilled. */
async function countFulfilled(promises: readonly Promise<unknown>[]): Promise<number> {
  return (await Promise.allSettled(promises)).filter(({ status }) => status === 'fulfilled').length;
}

it('the Parameter Store refuses writes above its rate, and the client repeats each write twice', async () => {
  await play(SMALL_REGION, async ({ ground, meters, process }) => {
    const client = new ParameterStore(meters).clientOf(process);
    const put = (at: number) => client.send(new PutParameterCommand({ Name: `/p/${at}`, Value: 'x' }));
    const startMs = ground.now();
    const written = await countFulfilled(Array.from({ length: 30 }, (_, at) => put(at)));
    const seconds = (ground.now() - startMs) / 1_000;
    expect(written).toBeGreaterThanOrEqual(3);
    expect(written).toBeLessThanOrEqual(3 + 3 * seconds + 1);
    await ground.sleep(2_000);
    await expect(put(100)).resolves.toBeDefined();
    // Reads have a rate of their own.
    const get = () => client.send(new GetParameterCommand({ Name: '/p/100' }));
    expect(await countFulfilled(Array.from({ length: 40 }, get))).toBe(40);
  });
});

it('a throttled request fails with the name of the error that the SDK throws', async () => {
  const limits = { ...SMALL_REGION, putParameter: { perSecond: 0.001, burst: 1 } };
  await play(limits, async ({ meters, process }) => {
    const client = new ParameterStore(meters).clientOf(process);
    const put = () => client.send(new PutParameterCommand({ Name: '/p', Value: 'x', Overwrite: true }));
    await put();
    await expect(put()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});

it('Step Functions delays transitions above the rate, and refuses starts above theirs', async () => {
  const limits = {
    ...SMALL_REGION,
    stateTransitions: { perSecond: 10, burst: 4 },
    startExecution: { perSecond: 0.001, burst: 2 },
  };
  await play(limits, async ({ ground, meters, process }) => {
    const workflow = new Workflow(ground, {
      invoke: async () => ({ fleetId: FLEET, execution: 1, clouds: [], given: [] }),
      send: () => {},
      meters,
    });
    const executions = workflow.executionsOf(process);
    const start = (execution: number) => executions.start({ work: 'provision', fleetId: FLEET, execution });
    const startMs = ground.now();
    expect(await countFulfilled([1, 2, 3].map(start))).toBe(2);
    await Promise.all(workflow.engine.executions.map(({ finished }) => finished));
    const entered = workflow.engine.executions.reduce((sum, { history }) => sum + history.transitions, 0);
    expect(entered).toBeGreaterThanOrEqual(8);
    expect(ground.now() - startMs).toBeGreaterThanOrEqual(((entered - 4) / 10) * 1_000);
    expect(meters.stateTransitions.throttled).toBeGreaterThan(0);
  });
});

it('services without limits throttle nothing', async () => {
  await play(undefined, async ({ ground, meters, process }) => {
    expect(meters.stateTransitions.inTurn).toBeUndefined();
    const client = new ParameterStore(meters).clientOf(process);
    const put = (at: number) => client.send(new PutParameterCommand({ Name: `/p/${at}`, Value: 'x' }));
    const startMs = ground.now();
    expect(await countFulfilled(Array.from({ length: 2_000 }, (_, at) => put(at)))).toBe(2_000);
    expect(ground.now() - startMs).toBeLessThan(100);
  });
});

it('delayed transitions get their tokens in the order in which they asked', async () => {
  const limits = { ...SMALL_REGION, stateTransitions: { perSecond: 5, burst: 1 } };
  await play(limits, async ({ ground, meters }) => {
    const { inTurn } = meters.stateTransitions;
    if (!inTurn) throw new Error('the transitions are not metered');
    const startMs = ground.now();
    const seen: { at: number; ms: number }[] = [];
    const wait = async (at: number) => {
      await inTurn();
      seen.push({ at, ms: ground.now() - startMs });
    };
    await Promise.all([0, 1, 2, 3].map(wait));
    expect(seen.map(({ at }) => at)).toEqual([0, 1, 2, 3]);
    expect(seen.map(({ ms }) => ms)).toEqual([0, 200, 400, 600]);
  });
});
