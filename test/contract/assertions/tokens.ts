import assert from 'node:assert/strict';
import { assertions } from '../suite/assertion.ts';
import { inTime } from '../suite/checks.ts';

export const TOKENS = assertions([
  {
    id: 'token.twice',
    title: 'two creates with the same launch token return the same machine',
    needs: 'launch-tokens',
    async run(lab) {
      const spec = await lab.spec();
      const first = await lab.client.createInstance(spec);
      const second = await lab.client.createInstance(spec);
      assert.equal(second.backendId, first.backendId);
      await lab.awaitConsistency();
      assert.equal((await lab.listed([spec])).length, 1);
    },
  },
  {
    id: 'token.at-once',
    title: 'concurrent creates with the same launch token make one machine',
    needs: 'launch-tokens',
    async run(lab) {
      const spec = await lab.spec();
      const made = await Promise.all([1, 2, 3, 4].map(() => lab.client.createInstance(spec)));
      assert.equal(new Set(made.map(({ backendId }) => backendId)).size, 1);
      await lab.awaitConsistency();
      assert.equal((await lab.listed([spec])).length, 1);
    },
  },
  {
    id: 'token.retried',
    title: 'if the reply to a create is lost, the repeated create returns the machine of the first create',
    needs: 'launch-tokens',
    async run(lab) {
      const spec = await lab.spec();
      lab.proxy.faults.arm({ call: lab.cloud.calls.create, kind: 'loseReplyAfterEffect', count: 1 });
      await lab.fails(lab.client.createInstance(spec), 'OutcomeUnknown');
      const { backendId } = await lab.client.createInstance(spec);
      await lab.awaitConsistency();
      assert.deepEqual(
        (await lab.listed([spec])).map((one) => one.backendId),
        [backendId],
      );
    },
  },
  {
    id: 'token.lost-reply',
    title:
      'a create whose reply is lost fails as OutcomeUnknown, makes one machine, and a search by token finds this machine',
    async run(lab) {
      const spec = await lab.spec();
      lab.proxy.faults.arm({ call: lab.cloud.calls.create, kind: 'loseReplyAfterEffect', count: 1 });
      await lab.fails(lab.client.createInstance(spec), 'OutcomeUnknown');
      assert.equal(lab.proxy.faults.struck, 1);
      await lab.awaitConsistency();
      const found = await lab.client.findInstanceByToken(spec.location, spec.launchToken);
      assert.equal(found?.instanceId, spec.instanceId);
      const listed = await lab.listed([spec]);
      assert.deepEqual(
        listed.map((one) => one.backendId),
        [found?.backendId],
      );
    },
  },
  {
    id: 'token.lost-request',
    title: 'a create whose request is lost fails as OutcomeUnknown, makes no machine, and can be repeated',
    async run(lab) {
      const spec = await lab.spec();
      lab.proxy.faults.arm({ call: lab.cloud.calls.create, kind: 'loseReplyBeforeEffect', count: 1 });
      await lab.fails(lab.client.createInstance(spec), 'OutcomeUnknown');
      await lab.awaitConsistency();
      assert.equal(await lab.client.findInstanceByToken(spec.location, spec.launchToken), undefined);
      const { backendId } = await lab.client.createInstance(spec);
      await lab.awaitConsistency();
      const found = await lab.client.findInstanceByToken(spec.location, spec.launchToken);
      assert.equal(found?.backendId, backendId);
    },
  },
  {
    id: 'token.reset',
    title: 'a reset connection makes a create fail as OutcomeUnknown, and a list as Unavailable',
    async run(lab) {
      const spec = await lab.spec();
      const { calls, location } = lab.cloud;
      lab.proxy.faults.arm(
        { call: calls.create, kind: 'reset', count: 1 },
        { call: calls.list, kind: 'reset', count: 1 },
      );
      await lab.fails(lab.client.createInstance(spec), 'OutcomeUnknown');
      await lab.fails(lab.client.listInstances(location), 'Unavailable');
    },
  },
  {
    id: 'token.hang',
    title:
      'if the cloud never answers, a create fails as OutcomeUnknown and a list as Unavailable, both within the time limit',
    async run(lab) {
      const spec = await lab.spec();
      const { calls, location } = lab.cloud;
      lab.proxy.faults.arm({ call: calls.create, kind: 'hang' }, { call: calls.list, kind: 'hang' });
      await Promise.all([
        lab.fails(inTime('createInstance', lab.client.createInstance(spec)), 'OutcomeUnknown'),
        lab.fails(inTime('listInstances', lab.client.listInstances(location)), 'Unavailable'),
      ]);
    },
  },
  {
    id: 'token.server-error',
    title: 'a status 500 makes a create fail as OutcomeUnknown, and a list as Unavailable',
    async run(lab) {
      const spec = await lab.spec();
      const { calls, location } = lab.cloud;
      const answer = { status: 500, headers: { 'content-type': 'text/plain' }, body: 'oops' };
      lab.proxy.faults.arm(
        { call: calls.create, kind: 'answerAfterEffect', answer, count: 1 },
        { call: calls.list, kind: 'answer', answer, count: 1 },
      );
      await lab.fails(lab.client.listInstances(location), 'Unavailable');
      await lab.fails(lab.client.createInstance(spec), 'OutcomeUnknown');
      await lab.awaitConsistency();
      const found = await lab.client.findInstanceByToken(location, spec.launchToken);
      assert.equal(found?.instanceId, spec.instanceId);
    },
  },
  {
    id: 'create.then-fails',
    title:
      'if a request after the create request fails, no machine is left, or a search by token finds the machine',
    async run(lab) {
      const answer = { status: 500, headers: { 'content-type': 'text/plain' }, body: 'oops' };
      for (const call of lab.cloud.calls.afterCreate) {
        const spec = await lab.spec();
        lab.proxy.faults.arm({ call, kind: 'answer', answer, count: 1 });
        const code = await lab.client.createInstance(spec).then(
          () => 'made' as const,
          async (error: unknown) =>
            (await lab.fails(Promise.reject(error), 'OutcomeUnknown', 'Unavailable')).code,
        );
        assert.ok(lab.proxy.faults.struck > 0, `createInstance never calls ${call}`);
        lab.proxy.faults.clear();
        await lab.awaitConsistency();
        const listed = await lab.listed([spec]);
        const found = await lab.client.findInstanceByToken(spec.location, spec.launchToken);
        assert.equal(found?.backendId, listed[0]?.backendId);
        assert.ok(
          code !== 'made' || listed.length === 1,
          `createInstance succeeded although ${call} failed, and the machine is not listed`,
        );
        assert.ok(
          code !== 'Unavailable' || listed.length === 0,
          `createInstance failed as Unavailable after ${call} failed, but a machine is left`,
        );
      }
    },
  },
]);
