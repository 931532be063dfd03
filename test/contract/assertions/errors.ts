import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { assertions } from '../suite/assertion.ts';
import { CALL_MS } from '../suite/checks.ts';
import { provoke } from '../suite/provoke.ts';
import { wordsOf } from '../suite/watch-client.ts';

/**
 * Codes that the error table of every driver must contain. The table lists answers of the cloud, each with
 * the code of the error that the driver must throw.
 */
const REFUSALS = [
  'Throttled',
  'QuotaExceeded',
  'InsufficientCapacity',
  'Unauthorized',
  'Forbidden',
  'NotFound',
] as const;

export const ERRORS = assertions([
  {
    id: 'errors.table',
    title:
      "for each answer in the error table, the driver throws an error with the table's code and the cloud's own words",
    async run(lab) {
      const wrong: string[] = [];
      for (const row of lab.cloud.errors) {
        const error = await provoke(lab, row);
        if (error.code !== row.code) wrong.push(`${row.name}: ${error.code} instead of ${row.code}`);
        else if (!error.message.includes(row.words))
          wrong.push(`${row.name}: the message lacks the cloud's words "${row.words}": ${error.message}`);
        else if (row.namesCall !== undefined && error.call !== row.namesCall)
          wrong.push(`${row.name}: names ${error.call} instead of ${row.namesCall}`);
        else if (row.retryAfterMs !== undefined && error.retryAfterMs !== row.retryAfterMs)
          wrong.push(`${row.name}: wait ${error.retryAfterMs} instead of ${row.retryAfterMs} ms`);
        else if (row.quota !== undefined && !isDeepStrictEqual(error.quota, row.quota))
          wrong.push(
            `${row.name}: quota ${JSON.stringify(error.quota)} instead of ${JSON.stringify(row.quota)}`,
          );
        else if (row.limitPerSecond !== undefined && error.limitPerSecond !== row.limitPerSecond)
          wrong.push(`${row.name}: ${error.limitPerSecond} instead of ${row.limitPerSecond} calls a second`);
      }
      assert.deepEqual(wrong, []);
    },
  },
  {
    id: 'errors.told-apart',
    title: 'the error table has rows for throttles, quotas, capacity, permissions and missing machines',
    async run({ cloud }) {
      const codes = new Set(cloud.errors.map(({ code }) => code));
      for (const code of REFUSALS) assert.ok(codes.has(code), `no row has the code ${code}`);
      const rights = cloud.errors.filter(({ namesCall }) => namesCall !== undefined);
      assert.ok(rights.length > 0, 'no row is about a missing permission for one call');
      const rates = cloud.errors.filter(({ limitPerSecond }) => limitPerSecond !== undefined);
      assert.ok(rates.length > 0, 'no row has headers with a wait time and a rate limit');
    },
  },
  {
    id: 'errors.scope-of-refusals',
    title:
      'a refused credential concerns the whole connection, a denied call does not, and a call after the denied call works',
    async run(lab) {
      const wrong: string[] = [];
      for (const row of lab.cloud.errors) {
        if (row.code !== 'Unauthorized' && row.code !== 'Forbidden') continue;
        const { scope } = await provoke(lab, row);
        if ((scope === 'connection') !== (row.code === 'Unauthorized'))
          wrong.push(`${row.name}: ${row.code} with the scope ${scope}`);
        if (row.code === 'Forbidden') await lab.client.listInstances(lab.cloud.location);
      }
      assert.deepEqual(wrong, []);
    },
  },
  {
    id: 'errors.quota-subject',
    title:
      'each error of a used-up quota tells what the quota is about, and a limit of one request is no quota of the account',
    async run(lab) {
      const rows = lab.cloud.errors.filter(({ quota }) => quota !== undefined);
      assert.ok(rows.length > 0, 'no row tells what its quota is about');
      for (const row of rows) assert.deepEqual((await provoke(lab, row)).quota, row.quota, row.name);
      const others = lab.cloud.errors.filter(({ code }) => code !== 'QuotaExceeded');
      const [other] = others;
      assert.ok(other);
      assert.equal((await provoke(lab, other)).quota, undefined, other.name);
    },
  },
  {
    id: 'errors.throttled',
    title: 'a throttled call fails as Throttled and has no effect, and the driver does not repeat the call',
    async run(lab) {
      const { calls, location } = lab.cloud;
      const spec = await lab.spec();
      lab.proxy.faults.arm({ call: calls.create, kind: 'throttle' }, { call: calls.list, kind: 'throttle' });
      await lab.fails(lab.client.createInstance(spec), 'Throttled');
      assert.equal(lab.proxy.faults.struck, 1, 'the driver repeated the create');
      await lab.fails(lab.client.listInstances(location), 'Throttled');
      assert.equal(lab.proxy.faults.struck, 2, 'the driver repeated the list');
      lab.proxy.faults.clear();
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
    },
  },
  {
    id: 'errors.unknown-type',
    title: 'a create with an unknown instance type is refused and makes no machine',
    async run(lab) {
      const spec = await lab.spec({ instanceType: 'no-such.type' });
      await lab.fails(lab.client.createInstance(spec), 'InvalidRequest', 'Unsupported', 'NotFound');
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
    },
  },
  {
    id: 'errors.unknown-image',
    title: 'a create with an unknown image fails as InvalidRequest or NotFound and makes no machine',
    async run(lab) {
      const spec = await lab.spec({ imageBackendId: lab.cloud.unknownImageBackendId });
      await lab.fails(lab.client.createInstance(spec), 'InvalidRequest', 'NotFound');
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
    },
  },
  {
    id: 'errors.other-architecture',
    title: 'a create with an image of another architecture is refused and makes no machine',
    async run(lab) {
      const spec = await lab.spec({ imageBackendId: await lab.cloud.imageOfOtherArchitecture(lab.client) });
      await lab.fails(lab.client.createInstance(spec), 'InvalidRequest', 'Unsupported');
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
    },
  },
  {
    id: 'errors.typed',
    title: 'every error of the whole run is a DriverError and was thrown in time',
    async run({ thrown }) {
      const others = thrown.filter(({ error }) => !(error instanceof DriverError));
      assert.deepEqual(
        others.map(({ method, error }) => `${method}: ${String(error)}`),
        [],
      );
      const late = thrown.filter(({ tookMs }) => tookMs > CALL_MS);
      assert.deepEqual(
        late.map(({ method, tookMs }) => `${method}: ${Math.round(tookMs)} ms`),
        [],
      );
      assert.ok(thrown.length > 0);
    },
  },
  {
    id: 'errors.no-secrets',
    title: 'no error of the whole run contains a secret',
    async run({ thrown, driver, cloud }) {
      const secretFields = driver.credentialFields.filter(({ secret }) => secret).map(({ name }) => name);
      const secrets = [cloud.credential, cloud.wrongCredential]
        .flatMap((credential) => secretFields.map((name) => credential[name]))
        .filter((secret) => secret !== undefined);
      for (const { method, error } of thrown) {
        const words = wordsOf(error);
        assert.ok(
          !secrets.some((secret) => words.includes(secret)),
          `an error of ${method} contains a secret`,
        );
      }
    },
  },
  {
    id: 'errors.nothing-left',
    title: 'nothing of the suite is left at the cloud after the suite has removed everything',
    async run(lab) {
      await lab.clean({ all: true });
      await lab.awaitConsistency();
      const left = await lab.until(
        'nothing is left',
        async () => ((await lab.cloud.countLeft()) === 0 ? 0 : undefined),
        lab.cloud.timeLimitMs,
      );
      assert.equal(left, 0);
    },
  },
]);
