import assert from 'node:assert/strict';
import { offerId } from '../../../functions/model/cloud.ts';
import { assertions } from '../suite/assertion.ts';
import { assertUnique, inTime } from '../suite/checks.ts';

const CLOCKS_APART_MS = 120_000;

export const INSTANCES = assertions([
  {
    id: 'create.answers',
    title:
      'a create returns within the time limit, with the ids, the zone and the creation time of the machine',
    async run(lab) {
      const spec = await lab.spec();
      const made = await inTime('createInstance', lab.client.createInstance(spec));
      assert.equal(made.instanceId, spec.instanceId);
      assert.equal(made.launchToken, spec.launchToken);
      if (spec.zone !== undefined) assert.equal(made.zone ?? spec.zone, spec.zone);
      assert.ok(['Creating', 'Running'].includes(made.status), made.status);
      const apartMs = Math.abs((made.createdAtMs ?? 0) - Date.now());
      assert.ok(apartMs < CLOCKS_APART_MS, `createdAtMs is ${made.createdAtMs}`);
    },
  },
  {
    id: 'create.runs',
    title:
      'a created machine becomes Running with an address, and a get, a list and a search by token return the machine',
    async run(lab) {
      const { client, cloud } = lab;
      const spec = await lab.spec();
      const { backendId } = await client.createInstance(spec);
      const running = await lab.untilStatus({ backendId }, 'Running');
      assert.ok(running.publicIp ?? running.privateIp, 'the running machine has no address');
      await lab.awaitConsistency();
      const [listed] = await lab.listed([spec]);
      const found = await client.findInstanceByToken(cloud.location, spec.launchToken);
      for (const machine of [running, listed, found]) {
        assert.equal(machine?.backendId, backendId);
        assert.equal(machine?.instanceId, spec.instanceId);
        assert.equal(machine?.launchToken, spec.launchToken);
        assert.equal(machine?.status, 'Running');
      }
    },
  },
  {
    id: 'create.public-ip',
    title: 'a machine whose spec does not mention it gets a public address',
    needs: 'public-ips',
    async run(lab) {
      const { backendId } = await lab.client.createInstance(await lab.spec());
      const running = await lab.untilStatus({ backendId }, 'Running');
      assert.ok(running.publicIp, 'the running machine has no public address');
    },
  },
  {
    id: 'create.private-only',
    title: 'a machine whose spec says so runs without a public address, and is found like any other machine',
    needs: 'private-only',
    async run(lab) {
      const { client, cloud } = lab;
      const spec = await lab.spec({ publicIp: false });
      const { backendId } = await client.createInstance(spec);
      const running = await lab.untilStatus({ backendId }, 'Running');
      assert.equal(running.publicIp, undefined);
      assert.ok(running.privateIp, 'the running machine has no address');
      await lab.awaitConsistency();
      const [listed] = await lab.listed([spec]);
      assert.deepEqual([listed?.backendId, listed?.publicIp], [backendId, undefined]);
      const found = await client.findInstanceByToken(cloud.location, spec.launchToken);
      assert.equal(found?.backendId, backendId);
    },
  },
  {
    id: 'create.security-groups',
    title: 'a machine may have two security groups, and neither can be deleted while the machine exists',
    async run(lab) {
      const { client, cloud } = lab;
      const ground = await lab.ground();
      const { backendId: second } = await client.ensureSecurityGroup({
        location: cloud.location,
        name: lab.name(),
        networkBackendId: ground.networkBackendId,
        rules: [],
        tags: {},
      });
      const [first] = ground.forSpecs.securityGroupBackendIds;
      const spec = await lab.spec({ securityGroupBackendIds: [first, second] });
      await client.createInstance(spec);
      for (const one of [first, second])
        await lab.fails(client.deleteSecurityGroup(cloud.location, one), 'Conflict');
    },
  },
  {
    id: 'create.late-addresses',
    title: 'a machine is returned without addresses until the cloud reports them, and with them afterwards',
    async run(lab) {
      const { client, cloud, proxy } = lab;
      const spec = await lab.spec();
      const { backendId } = await client.createInstance(spec);
      const before = await lab.untilStatus({ backendId }, 'Running');
      await lab.awaitConsistency();
      const read = async () => [
        await client.getInstance(cloud.location, backendId),
        ...(await lab.listed([spec])),
      ];
      proxy.faults.arm({ call: '*', kind: 'edit', edit: (body) => cloud.withoutAddresses(body) });
      const early = await read();
      assert.equal(early.length, 2);
      for (const { status, publicIp, privateIp } of early)
        assert.deepEqual(
          { status, publicIp, privateIp },
          { status: 'Running', publicIp: undefined, privateIp: undefined },
        );
      proxy.faults.clear();
      for (const { publicIp, privateIp } of await read())
        assert.deepEqual([publicIp, privateIp], [before.publicIp, before.privateIp]);
    },
  },
  {
    id: 'create.listed',
    title: 'when the consistency window is over, a created machine is listed and is found by its token',
    async run(lab) {
      const specs = await lab.specs(2);
      const made = await Promise.all(specs.map((spec) => lab.client.createInstance(spec)));
      await lab.awaitConsistency();
      const listed = await lab.listed(specs);
      assert.deepEqual(
        new Set(listed.map((one) => one.backendId)),
        new Set(made.map((one) => one.backendId)),
      );
      for (const [at, { location, launchToken }] of specs.entries()) {
        const found = await lab.client.findInstanceByToken(location, launchToken);
        assert.equal(found?.backendId, made[at]?.backendId);
      }
    },
  },
  {
    id: 'create.round-trip',
    title: 'the location, zone and type of a running machine give the id of the offer that its create used',
    async run(lab) {
      const { client, cloud } = lab;
      const { offers } = await client.listOffers(cloud.location);
      const offer = offers.find(
        ({ instanceType, zone }) =>
          instanceType === cloud.instanceType && (zone === undefined || zone === cloud.zone),
      );
      assert.ok(offer, `no offer of ${cloud.instanceType}`);
      const { backendId } = await client.createInstance(await lab.spec({ instanceType: offer.instanceType }));
      await lab.untilStatus({ backendId }, 'Running');
      const machine = await client.getInstance(cloud.location, backendId);
      const zone = offer.zone === undefined ? undefined : machine.zone;
      assert.equal(offerId(cloud.location, zone, machine.instanceType ?? ''), offer.id);
    },
  },
  {
    id: 'create.identity',
    title:
      'machines that are created together have different ids, and a client of another deployment does not list them',
    async run(lab) {
      const specs = await lab.specs(3);
      await Promise.all(specs.map((spec) => lab.client.createInstance(spec)));
      await lab.awaitConsistency();
      // On a slow machine, Nova may list a server only after the consistency window is over.
      const listed = await lab.until('all machines are listed', async () => {
        const machines = await lab.listed(specs);
        return machines.length < specs.length ? undefined : machines;
      });
      const ids = listed.map(({ instanceId }) => instanceId ?? '');
      assert.deepEqual(ids.sort(), specs.map(({ instanceId }) => instanceId).sort());
      const other = lab.ofDeployment('contract-suite-2');
      assert.deepEqual(await lab.listed(specs, other), []);
      for (const { location, launchToken } of specs)
        assert.equal(await other.findInstanceByToken(location, launchToken), undefined);
    },
  },
  {
    id: 'create.long-name',
    title: 'a machine of a deployment with the longest allowed id is listed with its launch token',
    async run(lab) {
      const client = lab.ofDeployment(`contract-${'x'.repeat(26)}-`.slice(0, 36));
      const spec = await lab.spec({}, client);
      const { backendId } = await client.createInstance(spec);
      await lab.awaitConsistency();
      const [listed] = await lab.listed([spec], client);
      assert.equal(listed?.backendId, backendId);
      assert.equal(listed?.launchToken, spec.launchToken);
    },
  },
  {
    id: 'create.elsewhere',
    title: 'a machine is listed at its requested location and at no other',
    async run(lab) {
      const { client, cloud } = lab;
      const spec = await lab.spec({ location: cloud.secondLocation });
      const { backendId } = await client.createInstance(spec);
      await lab.awaitConsistency();
      assert.equal((await lab.listed([spec]))[0]?.backendId, backendId);
      const here = await client.listInstances(cloud.location);
      assert.ok(
        cloud.location === cloud.secondLocation || !here.some((one) => one.instanceId === spec.instanceId),
      );
    },
  },
  {
    id: 'create.user-data',
    title: 'user data reaches the cloud unchanged',
    needs: 'user-data',
    async run(lab) {
      const userData = '#cloud-config\n# ünïcode & <markup>\n';
      const spec = await lab.spec({ userData });
      lab.proxy.seen.length = 0;
      await lab.client.createInstance(spec);
      const sent = lab.proxy.seen.flatMap(({ request }) => lab.cloud.userDataOf?.(request) ?? []);
      assert.deepEqual(
        sent.map((bytes) => bytes.toString('utf8')),
        [userData],
      );
    },
  },
  {
    id: 'lists.pages',
    title: 'a list of several pages contains each machine exactly once',
    async run(lab) {
      const specs = await lab.specs(lab.cloud.moreThanAPage);
      const made = new Set<string>();
      for (const spec of specs) made.add((await lab.client.createInstance(spec)).backendId);
      await lab.awaitConsistency();
      lab.proxy.seen.length = 0;
      const listed = (await lab.listed(specs)).map(({ backendId }) => backendId);
      assertUnique('machines', listed);
      assert.deepEqual(new Set(listed), made);
      const pages = lab.proxy.seen.filter(({ call }) => call === lab.cloud.calls.list).length;
      assert.ok(
        lab.cloud.pages === false || pages > 1,
        'all machines were on one page, so the test did not cover paging',
      );
    },
  },
  {
    id: 'terminate.gone',
    title: 'a terminated machine disappears from lists permanently',
    async run(lab) {
      const { client, cloud } = lab;
      const spec = await lab.spec();
      const { backendId } = await client.createInstance(spec);
      await lab.awaitConsistency();
      assert.equal((await lab.listed([spec])).length, 1);
      await client.terminateInstance(cloud.location, backendId);
      await lab.until(`${backendId} is gone`, async () =>
        (await lab.listed([spec])).length === 0 ? true : undefined,
      );
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
      const left = await client.getInstance(cloud.location, backendId).catch(async (error: unknown) => {
        await lab.fails(Promise.reject(error), 'NotFound');
      });
      assert.ok(left === undefined || left.status === 'Terminated', `the machine is ${left?.status}`);
    },
  },
  {
    id: 'terminate.twice',
    title:
      'repeated and concurrent terminations of a machine succeed, also when the machine no longer exists',
    async run(lab) {
      const { client, cloud } = lab;
      const spec = await lab.spec();
      const { backendId } = await client.createInstance(spec);
      const terminate = () => client.terminateInstance(cloud.location, backendId);
      await Promise.all([terminate(), terminate()]);
      await terminate();
      await lab.until(`${backendId} is gone`, async () =>
        (await lab.listed([spec])).length === 0 ? true : undefined,
      );
      await terminate();
    },
  },
  {
    id: 'terminate.unknown',
    title: 'a termination of a machine that never existed succeeds, and a get fails as NotFound',
    async run(lab) {
      const { client, cloud } = lab;
      await client.terminateInstance(cloud.location, cloud.unknownBackendId);
      await lab.fails(client.getInstance(cloud.location, cloud.unknownBackendId), 'NotFound');
    },
  },
]);
