import assert from 'node:assert/strict';
import { has, type TerminateOutcome } from '../../../functions/drivers/contract/capabilities.ts';
import { MAX_QUOTAS, quotaSchema } from '../../../functions/model/quota.ts';
import { assertions } from '../suite/assertion.ts';
import { inTime } from '../suite/checks.ts';

export const CAPABILITIES = assertions([
  {
    id: 'stop-start.stops',
    title: 'a stopped machine becomes Suspended, and the same machine runs again after a start',
    needs: 'stop-start',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'stop-start'));
      const spec = await lab.spec();
      const { backendId } = await client.createInstance(spec);
      await lab.untilStatus({ backendId }, 'Running');
      await inTime('stopInstance', client.stopInstance(cloud.location, backendId));
      await lab.untilStatus({ backendId }, 'Suspended');
      await lab.awaitConsistency();
      assert.equal((await lab.listed([spec]))[0]?.status, 'Suspended');
      await inTime('startInstance', client.startInstance(cloud.location, backendId));
      const again = await lab.untilStatus({ backendId }, 'Running');
      assert.equal(again.instanceId, spec.instanceId);
      assert.equal(again.launchToken, spec.launchToken);
    },
  },
  {
    id: 'stop-start.twice',
    title: 'a repeated stop or start of a machine succeeds, and a stopped machine can be terminated',
    needs: 'stop-start',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'stop-start'));
      const spec = await lab.spec();
      const { backendId } = await client.createInstance(spec);
      await lab.untilStatus({ backendId }, 'Running');
      await client.startInstance(cloud.location, backendId);
      await client.stopInstance(cloud.location, backendId);
      await lab.untilStatus({ backendId }, 'Suspended');
      await client.stopInstance(cloud.location, backendId);
      await client.terminateInstance(cloud.location, backendId);
      await lab.until('the machine is gone', async () =>
        (await lab.listed([spec])).length === 0 ? true : undefined,
      );
    },
  },
  {
    id: 'stop-start.unknown',
    title: 'a stop or start of a machine that never existed fails as NotFound',
    needs: 'stop-start',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'stop-start'));
      await lab.fails(client.stopInstance(cloud.location, cloud.unknownBackendId), 'NotFound');
      await lab.fails(client.startInstance(cloud.location, cloud.unknownBackendId), 'NotFound');
    },
  },
  {
    id: 'reboot.runs',
    title: 'a rebooted machine runs again under the same id and private address',
    needs: 'reboot',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'reboot'));
      const { backendId } = await client.createInstance(await lab.spec());
      const before = await lab.untilStatus({ backendId }, 'Running');
      await inTime('rebootInstance', client.rebootInstance(cloud.location, backendId));
      const after = await lab.untilStatus({ backendId }, 'Running');
      assert.equal(after.privateIp, before.privateIp);
      await lab.fails(client.rebootInstance(cloud.location, cloud.unknownBackendId), 'NotFound');
    },
  },
  {
    id: 'batch.each',
    title:
      'a batch returns one machine for each spec, in the order of the specs, and each machine is found by its launch token',
    needs: 'batch-create',
    async run(lab) {
      const { client } = lab;
      assert.ok(has(client, 'batch-create'));
      assert.ok(client.maxBatchSize >= 2);
      const specs = await lab.specs(3);
      const outcomes = await inTime('createInstances', client.createInstances(specs));
      const made = outcomes.map((outcome) => ('instance' in outcome ? outcome.instance : undefined));
      assert.deepEqual(
        made.map((one) => one?.instanceId),
        specs.map(({ instanceId }) => instanceId),
      );
      await lab.awaitConsistency();
      for (const [at, { location, launchToken }] of specs.entries()) {
        const found = await client.findInstanceByToken(location, launchToken);
        assert.equal(found?.backendId, made[at]?.backendId);
      }
      const listed = await lab.listed(specs);
      assert.equal(listed.length, specs.length);
    },
  },
  {
    id: 'batch.lost-reply',
    title:
      'if the reply to a batch is lost, each spec gets OutcomeUnknown, and each machine is found by its launch token',
    needs: 'batch-create',
    async run(lab) {
      const { client, cloud, proxy } = lab;
      assert.ok(has(client, 'batch-create'));
      const specs = await lab.specs(3);
      proxy.faults.arm({ call: cloud.calls.create, kind: 'loseReplyAfterEffect', count: 1 });
      const outcomes = await client.createInstances(specs);
      for (const outcome of outcomes)
        assert.equal('error' in outcome ? outcome.error.code : 'made', 'OutcomeUnknown');
      assert.equal(outcomes.length, specs.length);
      await lab.awaitConsistency();
      const found = await Promise.all(
        specs.map(({ location, launchToken }) => client.findInstanceByToken(location, launchToken)),
      );
      assert.deepEqual(
        found.map((one) => one?.instanceId),
        specs.map(({ instanceId }) => instanceId),
      );
      assert.equal(new Set(found.map((one) => one?.backendId)).size, specs.length);
    },
  },
  {
    id: 'batch.refused',
    title: 'a refused batch returns the refusal for each spec, and makes no machine',
    needs: 'batch-create',
    async run(lab) {
      const { client, cloud, proxy } = lab;
      assert.ok(has(client, 'batch-create'));
      const specs = await lab.specs(2);
      proxy.faults.arm({ call: cloud.calls.create, kind: 'throttle' });
      for (const outcome of await client.createInstances(specs))
        assert.equal('error' in outcome ? outcome.error.code : 'made', 'Throttled');
      proxy.faults.clear();
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed(specs), []);
    },
  },
  {
    id: 'batch.terminate',
    title:
      'one call terminates the machines of a batch, and a machine that never existed does not spare the others',
    needs: 'batch-terminate',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'batch-terminate'));
      assert.ok(client.maxTerminatedPerCall >= 2);
      const specs = await lab.specs(3);
      const ids: string[] = [];
      for (const spec of specs) ids.push((await client.createInstance(spec)).backendId);
      await lab.awaitConsistency();
      const asked = [...ids.slice(0, 1), cloud.unknownBackendId, ...ids.slice(1)];
      for (let time = 1; time <= 2; time += 1) {
        const outcomes: TerminateOutcome[] = await inTime(
          'terminateInstances',
          client.terminateInstances(cloud.location, asked),
        );
        assert.deepEqual(
          outcomes,
          asked.map((backendId) => ({ backendId })),
        );
      }
      await lab.until('the machines are gone', async () =>
        (await lab.listed(specs)).length === 0 ? true : undefined,
      );
    },
  },
  {
    id: 'batch.terminate-refused',
    title: 'if the cloud throttles the termination of a batch, each machine gets that error, and runs on',
    needs: 'batch-terminate',
    async run(lab) {
      const { client, cloud, proxy } = lab;
      assert.ok(has(client, 'batch-terminate'));
      const specs = await lab.specs(2);
      const ids: string[] = [];
      for (const spec of specs) ids.push((await client.createInstance(spec)).backendId);
      await lab.awaitConsistency();
      proxy.faults.arm({ call: cloud.calls.terminate, kind: 'throttle' });
      const outcomes = await client.terminateInstances(cloud.location, ids);
      assert.deepEqual(
        outcomes.map(({ backendId, error }) => [backendId, error?.code]),
        ids.map((backendId) => [backendId, 'Throttled']),
      );
      proxy.faults.clear();
      assert.equal((await lab.listed(specs)).length, specs.length);
    },
  },
  {
    id: 'by-id.some',
    title: 'a list by ids contains exactly the requested machines that exist, and ignores an unknown id',
    needs: 'list-by-id',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'list-by-id'));
      assert.ok(client.maxListedById >= 50);
      const specs = await lab.specs(3);
      const made = await Promise.all(specs.map((spec) => client.createInstance(spec)));
      await lab.awaitConsistency();
      const asked = made.slice(0, 2).map(({ backendId }) => backendId);
      const found = await inTime(
        'listInstancesById',
        client.listInstancesById(cloud.location, [...asked, cloud.unknownBackendId]),
      );
      assert.deepEqual(found.map(({ backendId }) => backendId).sort(), asked.toSorted());
      const whole = await client.listInstances(cloud.location);
      for (const machine of found) {
        const same = whole.find(({ backendId }) => backendId === machine.backendId);
        assert.equal(machine.instanceId, same?.instanceId);
        assert.equal(machine.launchToken, same?.launchToken);
      }
      const [first] = asked;
      assert.ok(first !== undefined);
      await client.terminateInstance(cloud.location, first);
      await lab.until('the terminated machine is not listed any more', async () => {
        const left = await client.listInstancesById(cloud.location, asked);
        return left.every(({ backendId }) => backendId !== first) ? true : undefined;
      });
    },
  },
  {
    id: 'rights.checked',
    title: 'a check of rights makes nothing, and denies nothing to a credential that may do everything',
    needs: 'rights-check',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'rights-check'));
      const before = await cloud.countLeft();
      assert.deepEqual(await inTime('checkRights', client.checkRights(cloud.location)), []);
      assert.deepEqual(await inTime('checkRights', client.checkRights()), []);
      await lab.awaitConsistency();
      assert.equal(await cloud.countLeft(), before);
    },
  },
  {
    id: 'quotas.read',
    title:
      'the driver reads the quotas that launches need, each of them once, with plausible limits, and refuses an unknown location',
    needs: 'quotas',
    async run(lab) {
      const { client, cloud } = lab;
      assert.ok(has(client, 'quotas'));
      const quotas = await inTime('readQuotas', client.readQuotas(cloud.location));
      for (const quota of quotas) quotaSchema.parse(quota);
      assert.ok(quotas.length <= MAX_QUOTAS, `there are ${quotas.length} quotas`);
      const units = new Set(quotas.map(({ unit }) => unit));
      assert.ok(
        units.has('instances') || units.has('vcpus'),
        `no quota of machines: ${[...units].join(', ')}`,
      );
      const keys = quotas.map((quota) =>
        [quota.unit, quota.instanceClass, quota.market, quota.diskType].join(' '),
      );
      assert.deepEqual(keys, [...new Set(keys)]);
      for (const { name, limit, used = 0 } of quotas)
        assert.ok(used <= limit * 2 + 100, `${name}: ${used} of ${limit} are used`);
      await lab.fails(client.readQuotas(cloud.unknownLocation), 'NotFound', 'InvalidRequest');
    },
  },
]);
