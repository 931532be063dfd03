import assert from 'node:assert/strict';
import { has } from '../../../functions/drivers/contract/capabilities.ts';
import type { CloudInstance, InstanceSpec } from '../../../functions/drivers/contract/driver.ts';
import { CLOCK_SKEW_MS } from '../../../functions/model/clock-skew.ts';
import { assertions } from '../suite/assertion.ts';
import type { Lab } from '../suite/lab.ts';

/**
 * Asserts that a machine has one of the proofs of creation that the driver's metadata names. A proof shows
 * that a call of the driver made the machine. The last parameter has the times at which the create was sent
 * and answered.
 */
function assertProven(
  { driver, client }: Lab,
  machine: CloudInstance | undefined,
  tokens: readonly [string, ...string[]],
  [sentAtMs, answeredAtMs]: readonly [number, number],
): void {
  assert.ok(machine, 'the machine was not found');
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
  assert.ok(
    isProven,
    `the machine has none of the driver's proofs: ${JSON.stringify({ createdAtMs, idempotencyKey, sentAtMs })}`,
  );
}

async function madeWith(lab: Lab, spec: InstanceSpec) {
  const sentAtMs = Date.now();
  const { backendId } = await lab.client.createInstance(spec);
  return { backendId, asked: [sentAtMs, Date.now()] as const };
}

export const PROOFS = assertions([
  {
    id: 'proof.shown',
    title: 'a get, a list and a search by token return the proof that a call of the driver made the machine',
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
    title: 'two machines have different idempotency keys, or no keys if the driver does not use this proof',
    async run(lab) {
      const specs = await lab.specs(2);
      for (const spec of specs) await lab.client.createInstance(spec);
      await lab.awaitConsistency();
      const keys = (await lab.listed(specs)).flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
      const expected = lab.driver.machineProof.includes('idempotency-key') ? specs.length : 0;
      assert.equal(new Set(keys).size, expected);
    },
  },
  {
    id: 'proof.restarted',
    title: 'a machine keeps its proof of creation when it is stopped and started',
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
    title: 'each machine of a batch has the proof of the call that made the batch',
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
      const listed = await lab.until('all machines of the batch are listed', async () => {
        const machines = await lab.listed(specs);
        return machines.length < specs.length ? undefined : machines;
      });
      for (const machine of listed) assertProven(lab, machine, [first, ...others], asked);
    },
  },
]);
