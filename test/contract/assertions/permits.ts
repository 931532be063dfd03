import assert from 'node:assert/strict';
import { has } from '../../../functions/drivers/contract/capabilities.ts';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { assertions } from '../suite/assertion.ts';
import type { Lab } from '../suite/lab.ts';

/** Maximum number of requests that one method may make. If a method makes more, the assertion fails. */
const MOST_REQUESTS = 60;

/**
 * Returns the calls that passed the permit gate during `work`. A driver asks this gate before each request.
 */
async function callsDuring(lab: Lab, work: () => Promise<unknown>) {
  const before = lab.gate.calls.length;
  await work();
  return lab.gate.calls.slice(before);
}

/**
 * Repeats `work` until it succeeds. Each attempt may make one request more than the previous attempt. Returns
 * the number of refused attempts.
 */
async function retried(lab: Lab, work: () => Promise<unknown>): Promise<number> {
  try {
    for (let requests = 0; requests <= MOST_REQUESTS; requests += 1) {
      lab.gate.refuseAfter(requests);
      try {
        await work();
        return requests;
      } catch (error) {
        if (!(error instanceof DriverError) || error.code !== 'NoPermit') throw error;
      }
    }
  } finally {
    lab.gate.open();
  }
  throw assert.fail(`the method makes more than ${MOST_REQUESTS} requests`);
}

export const PERMITS = assertions([
  {
    id: 'permits.kinds',
    title:
      'a create asks the permit gate for one create call, a list asks for list calls, and a removal asks for a mutate call',
    async run(lab) {
      const { client, cloud } = lab;
      const { location } = cloud;
      const spec = await lab.spec();
      const creates = async () => {
        const { backendId } = await client.createInstance(spec);
        await lab.awaitConsistency();
        const calls = await callsDuring(lab, () => client.terminateInstance(location, backendId));
        assert.ok(calls.every(({ kind }) => kind === 'mutate' || kind === 'list'));
        assert.ok(calls.some(({ kind }) => kind === 'mutate'));
      };
      const made = (await callsDuring(lab, creates)).filter(({ kind }) => kind === 'create');
      assert.deepEqual(
        made.map(({ location: at, machines = 1 }) => ({ at, machines })),
        [{ at: location, machines: 1 }],
      );
      const listed = await callsDuring(lab, () => client.listInstances(location));
      assert.ok(listed.length > 0 && listed.every(({ kind }) => kind === 'list'));
      if (!has(client, 'batch-create')) return;
      const several = await lab.specs(2);
      const batch = await callsDuring(lab, () => client.createInstances(several));
      const machines = batch.flatMap((call) => (call.kind === 'create' ? [call.machines ?? 1] : []));
      assert.equal(
        machines.reduce((sum, one) => sum + one, 0),
        several.length,
      );
    },
  },
  {
    id: 'permits.refused-network',
    title: 'a network is made only once even if each request for it lacks a permit at first',
    async run(lab) {
      const { client, cloud } = lab;
      const name = lab.name();
      const spec = { location: cloud.location, name, cidr: '10.40.0.0/16', tags: {} };
      const refused = await retried(lab, () => client.ensureNetwork(spec));
      assert.ok(refused > 0, 'the driver made no request through the gate');
      const listed = await client.listNetworkResources(cloud.location, 'network');
      assert.equal(listed.filter((one) => one.name === name).length, 1);
    },
  },
  {
    id: 'permits.refused-create',
    title:
      'a create makes no machine while it lacks a permit, and makes one machine as soon as it has all permits',
    async run(lab) {
      const { client } = lab;
      const spec = await lab.spec();
      let isRefused = false;
      await retried(lab, async () => {
        if (isRefused) assert.deepEqual(await withoutGate(lab, () => lab.listed([spec])), []);
        isRefused = true;
        await client.createInstance(spec);
      });
      assert.ok(isRefused);
      await lab.until('the machine is listed', async () =>
        (await lab.listed([spec])).length === 1 ? true : undefined,
      );
    },
  },
]);

/** The assertions about all requests of the whole run. */
export const EVERY_REQUEST = assertions([
  {
    id: 'permits.every-request',
    title: 'every request of the whole run passed the permit gate',
    run({ gate, proxy }) {
      assert.ok(proxy.requests > 0);
      assert.ok(
        proxy.requests <= gate.calls.length,
        `${proxy.requests} requests, but only ${gate.calls.length} permits and sign-ins`,
      );
      return Promise.resolve();
    },
  },
]);

/**
 * Opens the permit gate during `read`, and returns the answer of `read`. Afterwards the gate permits as many
 * further requests as before `read`.
 */
async function withoutGate<Answer>(lab: Lab, read: () => Promise<Answer>): Promise<Answer> {
  const left = lab.gate.left;
  lab.gate.open();
  try {
    return await read();
  } finally {
    lab.gate.refuseAfter(left);
  }
}
