import { describe, expect, it } from 'vitest';
import { ApiProblem, eachItem } from '../../client/index.ts';
import type { Instance } from '../../functions/model/fleet.ts';
import {
  Audit,
  client,
  deleteFleet,
  fleetWhen,
  group,
  namespace,
  pause,
  request,
  stack,
  untilUp,
} from './deployed.ts';

const problemOf = async (work: Promise<unknown>): Promise<ApiProblem> => {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof ApiProblem) return outcome;
  throw new Error(`the API did not answer with a problem, but with ${String(outcome)}`);
};

// Each test uses different clouds, so the tests can run at the same time.
describe.concurrent('the deployed app', () => {
  describe('a fleet over several clouds', () => {
    it('a fleet over three clouds runs, the API shows what the clouds have, and nothing is left after the deletion', async () => {
      const audit = await Audit.begin('aws', 'gcp', 'openstack');
      const asked = request(
        'e2e-several',
        group('sim-aws', 6, ['us-east-1', 'eu-west-1', 'ap-south-1']),
        { ...group('sim-gcp', 4, ['us-central1', 'europe-west1']), ssh: { allowFrom: '203.0.113.0/24' } },
        group('sim-openstack', 2, ['GRA11']),
      );
      const accepted = await client.createFleet({ params: { namespace }, body: asked });
      expect(accepted).toMatchObject({ name: 'e2e-several', counts: { requested: 12 } });

      const up = await untilUp(accepted.id);
      expect(up).toMatchObject({ status: 'Running', counts: { requested: 12, Running: 12 }, progress: 1 });
      expect(
        up.byLocation.map(({ cloud, location, counts }) => [cloud, location, counts.Running]).sort(),
      ).toEqual([
        ['aws', 'ap-south-1', 2],
        ['aws', 'eu-west-1', 2],
        ['aws', 'us-east-1', 2],
        ['gcp', 'europe-west1', 2],
        ['gcp', 'us-central1', 2],
        ['openstack', 'GRA11', 2],
      ]);
      expect(up.usdPerHour).toBeGreaterThan(0);

      const instances: Instance[] = [];
      const pages = { params: { namespace, fleet: 'e2e-several' }, query: { limit: 5 } };
      for await (const instance of eachItem(client.listInstances, pages)) instances.push(instance);
      const booked = (await audit.books()).instances();
      expect(instances.map(({ id, backendId }) => [id, backendId]).sort()).toEqual(
        booked.map(({ tags, backendId }) => [tags['fleetwright:instance'], backendId]).sort(),
      );
      expect(await audit.verdict([up.id])).toMatchObject({ running: 12, leaked: [], duplicated: [] });

      const gone = await deleteFleet(up.id);
      expect(gone.counts).toMatchObject({ requested: 12, Terminated: 12 });
      expect(await audit.verdict([up.id])).toMatchObject({ running: 0, leaked: [], remaining: 0 });
      expect(gone.costUsd).toBeGreaterThan(0);
    });

    it('a fleet that is deleted during its launches leaves nothing', async () => {
      const audit = await Audit.begin('alibaba');
      const body = request('e2e-hasty', group('sim-alibaba', 30, ['cn-hangzhou', 'cn-beijing']));
      const { id } = await client.createFleet({ params: { namespace }, body });
      await fleetWhen(id, ({ counts }) => (counts.Creating ?? 0) > 0);
      await deleteFleet(id);
      await pause(1_000);
      expect(await audit.verdict([id])).toEqual({ running: 0, leaked: [], duplicated: [], remaining: 0 });
      const again = await client.deleteFleet({ params: { namespace, fleet: id } });
      expect(again.status).toBe('Terminated');
    });
  });

  describe('an idempotency key', () => {
    it('five requests with one idempotency key create one fleet, and the key is refused with another body', async () => {
      const audit = await Audit.begin('azure');
      const body = request('e2e-once', group('sim-azure', 3, ['eastus']));
      const ask = () => client.createFleet({ params: { namespace }, body, idempotencyKey: 'e2e-once-key' });
      const answers = await Promise.all([ask(), ask(), ask(), ask(), ask()]);
      const [first] = answers;
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);

      const other = { ...body, description: 'another one' };
      const problem = await problemOf(
        client.createFleet({ params: { namespace }, body: other, idempotencyKey: 'e2e-once-key' }),
      );
      expect(problem.status).toBe(422);

      if (!first) throw new Error('the API gave no answer');
      expect((await untilUp(first.id)).counts).toMatchObject({ requested: 3, Running: 3 });
      expect((await ask()).id).toBe(first.id);
      expect(await audit.verdict([first.id])).toMatchObject({ running: 3, leaked: [], duplicated: [] });
      await deleteFleet(first.id);
      expect((await audit.books()).remaining()).toBe(0);
    });
  });

  describe('a refused request', () => {
    it('a refused fleet request lists all its errors and makes no create call', async () => {
      const audit = await Audit.begin('tencent');
      const good = group('sim-tencent', 2, ['ap-seoul']);
      const body = request(
        'e2e-refused',
        { ...good, name: 'no-size', size: 0 },
        { ...good, name: 'no-place', locations: ['atlantis-1'] },
        { ...good, name: 'no-type', instanceType: 'S5.POCKET' },
        { ...good, name: 'no-image', image: 'beos-5' },
        { ...good, name: 'no-connection', connection: 'sim-nowhere' },
        good,
      );
      const problem = await problemOf(client.createFleet({ params: { namespace }, body }));
      expect(problem.status).toBe(400);
      expect(problem.errors.map(({ pointer }) => pointer).sort()).toEqual([
        '/nodeGroups/0/size',
        '/nodeGroups/1/locations/0',
        '/nodeGroups/2/instanceType',
        '/nodeGroups/3/image',
        '/nodeGroups/4/connection',
      ]);
      expect((await problemOf(client.getFleet({ params: { namespace, fleet: 'e2e-refused' } }))).status).toBe(
        404,
      );
      expect((await audit.books()).calls()['create'] ?? 0).toBe(0);
      expect((await audit.books()).remaining()).toBe(0);
    });

    it('a request without an API key is answered with problem JSON', async () => {
      const answer = await fetch(`${stack.apiUrl}/v1/namespaces`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([401, 'application/problem+json']);
      expect(await answer.json()).toMatchObject({ status: 401, code: 'unauthorized' });
    });
  });

  describe('the quotas of an account', () => {
    it('the limits of a connection show what its cloud reports, and a fleet that can never fit is refused before anything is made', async () => {
      const params = { namespace, connection: 'sim-alibaba' };
      const location = 'ap-southeast-1';
      const known = async () =>
        (await client.getLimits({ params })).quotas.find((one) => one.location === location);
      // The first sync of the inventory reads the quotas after the offers, with which fleets are accepted.
      await expect.poll(known, { timeout: 60_000 }).toMatchObject({ readAt: expect.any(String) });
      const here = await known();
      const instances = here?.quotas.find(({ unit }) => unit === 'instances');
      expect(instances).toMatchObject({ limit: 100, used: expect.any(Number) });
      expect(here?.quotas.map(({ unit }) => unit)).toContain('vcpus');
      const body = request('e2e-above', group('sim-alibaba', 101, [location]));
      const problem = await problemOf(client.createFleet({ params: { namespace }, body }));
      expect(problem.errors).toMatchObject([
        { pointer: '/nodeGroups/0/size', code: 'above-quota', message: expect.stringContaining('limit 100') },
      ]);
      const fits = request('e2e-fits', group('sim-alibaba', 100, [location]));
      await client.validateFleet({ params: { namespace }, body: fits });
    });
  });

  describe('a list of instances', () => {
    it('all instances of a list run, each is found by its path and its name, and they are deleted together', async () => {
      const audit = await Audit.begin('ibm');
      const { name: _, size: _size, locations: _at, ...machine } = group('sim-ibm', 1, []);
      const ask = () =>
        client.createInstance({
          params: { namespace },
          idempotencyKey: 'e2e-list-key',
          body: {
            name: 'e2e-list',
            instances: [
              { ...machine, location: 'us-south', name: 'worker', count: 3 },
              { ...machine, location: 'eu-de' },
            ],
          },
        });
      const [made, again] = await Promise.all([ask(), ask()]);
      if (!('items' in made && 'items' in again)) throw new TypeError('the answer is no list of instances');
      expect(again.items.map(({ id }) => id)).toEqual(made.items.map(({ id }) => id));
      const fleet = await untilUp(made.fleetId);
      expect(fleet).toMatchObject({ name: 'e2e-list', counts: { requested: 4, Running: 4 } });
      const places = ['us-south', 'us-south', 'us-south', 'eu-de'];
      for (const [at, name] of ['worker-1', 'worker-2', 'worker-3', 'e2e-list-1'].entries()) {
        const instance = made.items[at]?.id ?? '';
        const found = await client.getInstance({ params: { namespace, instance } });
        expect(found).toMatchObject({ name, location: places[at], status: 'Running' });
      }
      expect(await audit.verdict([fleet.id])).toMatchObject({ running: 4, leaked: [], duplicated: [] });
      await deleteFleet(fleet.id);
      expect((await audit.books()).remaining()).toBe(0);
    });
  });

  describe('a single instance', () => {
    it('a request for a single instance waits until the instance runs, and the instance can be deleted', async () => {
      const audit = await Audit.begin('ncp');
      const beganMs = Date.now();
      const made = await client.createInstance({
        params: { namespace },
        waitSeconds: 25,
        body: {
          name: 'e2e-single',
          connection: 'sim-ncp',
          location: 'KR',
          instanceType: 'c2-g2-h50',
          image: 'debian-12',
        },
      });
      if ('items' in made) throw new TypeError('the answer to a request for one instance is a list');
      // On a busy machine, the instance may take longer than the request may wait.
      if (made.status === 'Running') expect(made.publicIp).toBeDefined();
      else expect(Date.now() - beganMs).toBeGreaterThanOrEqual(25_000);
      const params = { namespace, instance: made.id };
      const fleet = await untilUp(made.fleetId);
      expect(fleet.counts).toMatchObject({ requested: 1, Running: 1 });
      expect(await client.getInstance({ params })).toMatchObject({ status: 'Running', cloud: 'ncp' });
      expect(await audit.verdict([fleet.id])).toMatchObject({ running: 1, leaked: [], duplicated: [] });
      await client.deleteInstance({ params });
      await fleetWhen(fleet.id, ({ status }) => status === 'Terminated');
      expect((await client.getInstance({ params })).status).toBe('Terminated');
      expect((await audit.books()).remaining()).toBe(0);
    });
  });
});
