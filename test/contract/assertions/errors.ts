import assert from 'node:assert/strict';
import { DriverError } from '../../../functions/drivers/contract/errors.ts';
import { assertions } from '../suite/assertion.ts';
import { CALL_MS } from '../suite/checks.ts';
import { provoke } from '../suite/provoke.ts';
import { wordsOf } from '../suite/watch-client.ts';

/** A throttle that asks for this long. */
const REFUSALS = ['Throttled', 'QuotaExceeded', 'InsufficientCapacity', 'Unauthorized', 'NotFound'] as const;

export const ERRORS = assertions([
  {
    id: 'errors.table',
    title: "every row of the cloud's error table is its code, with the cloud's own words",
    async run(lab) {
      const wrong: string[] = [];
      for (const row of lab.cloud.errors) {
        const error = await provoke(lab, row);
        if (error.code !== row.code) wrong.push(`${row.name}: ${error.code} instead of ${row.code}`);
        else if (!error.message.includes(row.words))
          wrong.push(`${row.name}: the words are lost: ${error.message}`);
        else if (row.namesCall !== undefined && error.call !== row.namesCall)
          wrong.push(`${row.name}: names ${error.call} instead of ${row.namesCall}`);
        else if (row.retryAfterMs !== undefined && error.retryAfterMs !== row.retryAfterMs)
          wrong.push(`${row.name}: wait ${error.retryAfterMs} instead of ${row.retryAfterMs} ms`);
        else if (row.limitPerSecond !== undefined && error.limitPerSecond !== row.limitPerSecond)
          wrong.push(`${row.name}: ${error.limitPerSecond} instead of ${row.limitPerSecond} calls a second`);
      }
      assert.deepEqual(wrong, []);
    },
  },
  {
    id: 'errors.told-apart',
    title: 'the table tells throttle, quota, capacity, rights and absence apart',
    async run({ cloud }) {
      const codes = new Set(cloud.errors.map(({ code }) => code));
      for (const code of REFUSALS) assert.ok(codes.has(code), `no row is ${code}`);
      const rights = cloud.errors.filter(({ namesCall }) => namesCall !== undefined);
      assert.ok(rights.length > 0, 'no row lacks the right to one call');
      const rates = cloud.errors.filter(({ limitPerSecond }) => limitPerSecond !== undefined);
      assert.ok(rates.length > 0, 'no row says in its headers when to come again, and at what rate');
    },
  },
  {
    id: 'errors.throttled',
    title: 'a throttled call is Throttled, was not tried again by itself, and had no effect',
    async run(lab) {
      const { calls, location } = lab.cloud;
      const spec = await lab.spec();
      lab.proxy.faults.arm({ call: calls.create, kind: 'throttle' }, { call: calls.list, kind: 'throttle' });
      await lab.fails(lab.client.createInstance(spec), 'Throttled');
      assert.equal(lab.proxy.faults.struck, 1, 'the call was repeated behind our back');
      await lab.fails(lab.client.listInstances(location), 'Throttled');
      assert.equal(lab.proxy.faults.struck, 2, 'the call was repeated behind our back');
      lab.proxy.faults.clear();
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
    },
  },
  {
    id: 'errors.unknown-type',
    title: 'a type that is not offered there is InvalidRequest, and leaves nothing behind',
    async run(lab) {
      const spec = await lab.spec({ instanceType: 'no-such.type' });
      await lab.fails(lab.client.createInstance(spec), 'InvalidRequest', 'Unsupported', 'NotFound');
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
    },
  },
  {
    id: 'errors.unknown-image',
    title: 'an unknown image is InvalidRequest or NotFound, and leaves nothing behind',
    async run(lab) {
      const spec = await lab.spec({ imageBackendId: lab.cloud.unknownImageBackendId });
      await lab.fails(lab.client.createInstance(spec), 'InvalidRequest', 'NotFound');
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
    },
  },
  {
    id: 'errors.other-architecture',
    title: 'an image of another architecture is InvalidRequest, and leaves nothing behind',
    async run(lab) {
      const spec = await lab.spec({ imageBackendId: await lab.cloud.imageOfOtherArchitecture(lab.client) });
      await lab.fails(lab.client.createInstance(spec), 'InvalidRequest', 'Unsupported');
      await lab.awaitConsistency();
      assert.deepEqual(await lab.listed([spec]), []);
    },
  },
  {
    id: 'errors.typed',
    title: 'nothing but DriverErrors was thrown in the whole run, each in time',
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
    title: 'no error of the whole run has a secret in it',
    async run({ thrown, driver, cloud }) {
      const secretFields = driver.credentialFields.filter(({ secret }) => secret).map(({ name }) => name);
      const secrets = [cloud.credential, cloud.wrongCredential]
        .flatMap((credential) => secretFields.map((name) => credential[name]))
        .filter((secret) => secret !== undefined);
      for (const { method, error } of thrown) {
        const words = wordsOf(error);
        assert.ok(
          !secrets.some((secret) => words.includes(secret)),
          `an error of ${method} has a secret in it`,
        );
      }
    },
  },
  {
    id: 'errors.nothing-left',
    title: 'when all is removed, the cloud has nothing that the suite has made',
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
