import assert from 'node:assert/strict';
import { has } from '../../../functions/drivers/contract/capabilities.ts';
import type { CloudInstance, InstanceSpec } from '../../../functions/drivers/contract/driver.ts';
import { CLOCK_SKEW_MS } from '../../../functions/model/clock-skew.ts';
import { assertions } from '../suite/assertion.ts';
import type { Lab } from '../suite/lab.ts';

/** What the driver says proves a machine, held against what it tells of one that was asked for between two times. */
function assertProven(
  { driver, client }: Lab,
  machine: CloudInstance | undefined,
  tokens: readonly [string, ...string[]],
  [sentAtMs, answeredAtMs]: readonly [number, number],
): void {
  assert.ok(machine, 'the machine is not to be found');
  const { createdAtMs, idempotencyKey } = machine;
  const proofs = {
    'idempotency-key': () =>
      has(client, 'idempotency-keys') && idempotencyKey === client.idempotencyKeyOf(tokens),
    'creation-time': () =>
      createdAtMs !== undefined &&
      createdAtMs >= sentAtMs - CLOCK_SKEW_MS &&
      createdAtMs <= answeredAtMs + driver.longestCreateMs + CLOCK_SKEW_MS,
  };
  const isProven = driver.machineProof.some((proof) => proofs[proof]());
  assert.ok(isProven, `neither proves it: ${JSON.stringify({ createdAtMs, idempotencyKey, sentAtMs })}`);
}

async function madeWith(lab: Lab, spec: InstanceSpec) {
  const sentAtMs = Date.now();
  const { backendId } = await lab.client.createInstance(spec);
  return { backendId, asked: [sentAtMs, Date.now()] as const };
}

export const PROOFS = assertions([
  {
    id: 'proof.shown',
    title: 'get, list and token tell what proves that a call of ours made a machine',
    async run(lab) {
      const { client, cloud } = lab;
      const spec = await lab.spec();
      const { backendId, asked } = await madeWith(lab, spec);
      await lab.untilStatus({ backendId }, 'Running');
      await lab.awaitConsistency();
      const [listed] = await lab.listed([spec]);
      const found = await client.findInstanceByToken(cloud.location, spec.launchToken);
      for (const machine of [listed, found, await client.getInstance(cloud.location, backendId)])
        assertProven(lab, machine, [spec.launchToken], asked);
    },
  },
  {
    id: 'proof.own',
    title: 'no two machines tell the same proof, and none tells that of another token',
    async run(lab) {
      const specs = await lab.specs(2);
      for (const spec of specs) await lab.client.createInstance(spec);
      await lab.awaitConsistency();
      const keys = (await lab.listed(specs)).flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
      const told = lab.driver.machineProof.includes('idempotency-key') ? specs.length : 0;
      assert.equal(new Set(keys).size, told);
    },
  },
  {
    id: 'proof.restarted',
    title: 'a machine that was stopped and started tells the same proof as before',
    needs: 'stop-start',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'stop-start'));
      const spec = await lab.spec();
      const { backendId, asked } = await madeWith(lab, spec);
      await lab.untilStatus({ backendId }, 'Running');
      await client.stopInstance(cloud.location, backendId);
      await lab.untilStatus({ backendId }, 'Suspended');
      await client.startInstance(cloud.location, backendId);
      assertProven(lab, await lab.untilStatus({ backendId }, 'Running'), [spec.launchToken], asked);
    },
  },
  {
    id: 'proof.batch',
    title: 'each machine of a batch tells the proof of the call that made them all',
    needs: 'batch-create',
    async run(lab) {
      const { client } = lab;
      assert.ok(has(client, 'batch-create'));
      const specs = await lab.specs(3);
      const [first = '', ...others] = specs.map(({ launchToken }) => launchToken);
      const sentAtMs = Date.now();
      await client.createInstances(specs);
      const asked = [sentAtMs, Date.now()] as const;
      await lab.awaitConsistency();
      const listed = await lab.until('all of the batch are listed', async () => {
        const machines = await lab.listed(specs);
        return machines.length < specs.length ? undefined : machines;
      });
      for (const machine of listed) assertProven(lab, machine, [first, ...others], asked);
    },
  },
]);
