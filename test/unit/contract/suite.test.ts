import { expect, test } from 'vitest';
import type { CloudClient, Driver } from '../../../functions/drivers/contract/driver.ts';
import { ASSERTIONS } from '../../contract/assertions/index.ts';
import { HARNESSES } from '../../contract/harnesses/index.ts';
import { simHarness } from '../../contract/harnesses/sim.ts';
import { runSuite } from '../../contract/run-suite.ts';
import { simDriver } from '../../samples/drivers.ts';

test('the id and the title of every contract assertion are unique', () => {
  for (const list of [ASSERTIONS.map(({ id }) => id), ASSERTIONS.map(({ title }) => title)])
    expect(new Set(list).size).toBe(list.length);
  expect(Object.keys(HARNESSES)).toContain('sim');
});

/**
 * Returns driver sim with broken clients: the methods that `breaks` returns replace the client's own methods.
 */
const broken = (breaks: (client: CloudClient) => Partial<CloudClient>): Driver => ({
  ...simDriver,
  connect(options) {
    const client = simDriver.connect(options);
    const wrong = breaks(client);
    return new Proxy(client, {
      get(target, name) {
        const from = name in wrong ? wrong : target;
        const member: unknown = Reflect.get(from, name, from);
        return typeof member === 'function' ? member.bind(from) : member;
      },
    });
  },
});

/**
 * Ways in which a driver could break the contract, each with the id of the contract assertion that must fail.
 */
const DEFECTS: readonly [string, string, (client: CloudClient) => Partial<CloudClient>][] = [
  [
    'accepts a wrong credential',
    'credential.wrong',
    () => ({ verifyCredential: async () => ({ account: 'anyone' }) }),
  ],
  [
    'throws an error that is not a DriverError',
    'terminate.unknown',
    () => ({
      getInstance: async () => {
        throw new TypeError('undefined is not a machine');
      },
    }),
  ],
  [
    'repeats a refused create',
    'errors.throttled',
    (client) => ({
      createInstance: (spec) => client.createInstance(spec).catch(() => client.createInstance(spec)),
    }),
  ],
  [
    'finds a network by any name',
    'networks.found',
    (client) => ({
      findNetworkResource: (location, kind) => client.findNetworkResource(location, kind, 'x'),
    }),
  ],
  [
    'lists only the first page',
    'lists.pages',
    (client) => ({ listInstances: async (location) => (await client.listInstances(location)).slice(0, 5) }),
  ],
];

test.each(DEFECTS)('a driver that %s fails the contract assertion %s', async (_what, id, breaks) => {
  const harness = { ...simHarness, driver: broken(breaks) };
  const report = await runSuite({ harness, only: [id], progress: () => {} });
  expect(report).toMatchObject({ total: 1, passed: 0, failed: 1 });
  const sound = await runSuite({ harness: simHarness, only: [id], progress: () => {} });
  expect(sound).toMatchObject({ total: 1, passed: 1, failed: 0, failures: [] });
});
