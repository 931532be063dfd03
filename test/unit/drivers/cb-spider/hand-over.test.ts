import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { LOCATION, specOn, useDouble } from './double.ts';

const PACE = { prepareMs: 300, startMs: 600, terminateMs: 600 };
const double = useDouble(PACE, { handOverMs: 100, lockedMs: 100 });

async function until<Answer>(read: () => Promise<Answer | undefined>): Promise<Answer> {
  for (let round = 0; round < 60; round += 1) {
    const answer = await read();
    if (answer !== undefined) return answer;
    await sleep(50);
  }
  throw new Error('the expected answer did not come within 3 seconds');
}

test('if CB-Spider does not answer a create in time, the driver returns a machine with status Creating, and the machine runs later', async () => {
  const client = double.client();
  const spec = await specOn(client);
  const made = await client.createInstance(spec);
  expect(made).toMatchObject({
    status: 'Creating',
    instanceId: spec.instanceId,
    launchToken: spec.launchToken,
  });

  // Neither CB-Spider nor the cloud lists the machine yet.
  expect(await client.listInstances(LOCATION)).toEqual([]);
  expect(await client.getInstance(LOCATION, made.backendId)).toMatchObject({ status: 'Creating' });
  expect(await client.findInstanceByToken(LOCATION, spec.launchToken)).toMatchObject({ status: 'Creating' });

  // Later the cloud lists the machine under the name that the driver gave.
  const [shown] = await until(async () => {
    const list = await client.listInstances(LOCATION);
    return list.length > 0 ? list : undefined;
  });
  expect(shown).toMatchObject({ backendId: made.backendId, status: 'Creating', instanceId: spec.instanceId });
  const running = await until(async () => {
    const machine = await client.getInstance(LOCATION, made.backendId);
    return machine.status === 'Running' ? machine : undefined;
  });
  expect(running).toMatchObject({ backendId: made.backendId, publicIp: '4.3.2.1' });
});

test('a create that is repeated while the first create is in progress makes no second machine', async () => {
  const client = double.client();
  const spec = await specOn(client);
  const made = await Promise.all([client.createInstance(spec), client.createInstance(spec)]);
  expect(new Set(made.map(({ backendId }) => backendId)).size).toBe(1);
  await sleep(2 * (PACE.prepareMs + PACE.startMs) + 200);
  expect(await client.listInstances(LOCATION)).toHaveLength(1);
});

test('a machine that is terminated while it is being created is removed', async () => {
  const client = double.client();
  const spec = await specOn(client);
  const { backendId } = await client.createInstance(spec);
  await client.terminateInstance(LOCATION, backendId);
  await client.terminateInstance(LOCATION, backendId);
  await sleep(PACE.prepareMs + PACE.startMs + PACE.terminateMs + 300);
  expect(await client.listInstances(LOCATION)).toEqual([]);
  await expect(client.getInstance(LOCATION, backendId)).rejects.toMatchObject({ code: 'NotFound' });
});

test("a machine that CB-Spider no longer knows is found by its name, and is removed by the cloud's id", async () => {
  const client = double.client();
  const spec = await specOn(client);
  const { backendId } = await client.createInstance(spec);
  await sleep(PACE.prepareMs + PACE.startMs + 200);
  double.forgetMachine('fw.unit.default.spider.mercury', backendId);
  expect(await client.findInstanceByToken(LOCATION, spec.launchToken)).toMatchObject({
    backendId,
    status: 'Creating',
  });
  await client.terminateInstance(LOCATION, backendId);
  await sleep(PACE.terminateMs + 100);
  expect(await client.listInstances(LOCATION)).toEqual([]);
});

test("a second machine with the same name is listed under the cloud's id, and can be removed without the first", async () => {
  const client = double.client();
  const spec = await specOn(client);
  const { backendId } = await client.createInstance(spec);
  await sleep(PACE.prepareMs + PACE.startMs + 200);
  double.forgetMachine('fw.unit.default.spider.mercury', backendId);
  await client.createInstance(spec);
  await sleep(PACE.prepareMs + PACE.startMs + 200);
  const both = await client.listInstances(LOCATION);
  expect(both.map((one) => [one.backendId, one.status])).toEqual([
    [backendId, 'Running'],
    [expect.stringMatching(/^stray:mock-/), 'Creating'],
  ]);
  await client.terminateInstance(LOCATION, both[1]?.backendId ?? '');
  await sleep(PACE.terminateMs + 100);
  expect((await client.listInstances(LOCATION)).map((one) => one.backendId)).toEqual([backendId]);
});
