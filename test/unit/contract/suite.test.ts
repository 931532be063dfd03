import { expect, test } from 'vitest';
import type { CloudClient, Driver } from '../../../functions/drivers/contract/driver.ts';
import { simDriver } from '../../../functions/drivers/sim/driver.ts';
import { ASSERTIONS } from '../../contract/assertions/index.ts';
import { HARNESSES } from '../../contract/harnesses/index.ts';
import { simHarness } from '../../contract/harnesses/sim.ts';
import { runSuite } from '../../contract/run-suite.ts';

test('every assertion has an id and a title of its own', () => {
  for (const list of [ASSERTIONS.map(({ id }) => id), ASSERTIONS.map(({ title }) => title)])
    expect(new Set(list).size).toBe(list.length);
  expect(Object.keys(HARNESSES)).toContain('sim');
});

/** The driver of the simulated clouds, with something wrong with its clients. */
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

/** How a driver could break the contract, and the assertion that has to notice. */
const DEFECTS: readonly [string, string, (client: CloudClient) => Partial<CloudClient>][] = [
  [
    'a wrong credential that passes',
    'credential.wrong',
    () => ({ verifyCredential: async () => ({ account: 'anyone' }) }),
  ],
  [
    'an error of its own kind',
    'terminate.unknown',
    () => ({
      getInstance: async () => {
        throw new TypeError('undefined is not a machine');
      },
    }),
  ],
  [
    'a create that tries again by itself',
    'errors.throttled',
    (client) => ({
      createInstance: (spec) => client.createInstance(spec).catch(() => client.createInstance(spec)),
    }),
  ],
  [
    'a network under whatever name',
    'networks.found',
    (client) => ({
      findNetworkResource: (location, kind) => client.findNetworkResource(location, kind, 'x'),
    }),
  ],
  [
    'a list that stops at the first page',
    'lists.pages',
    (client) => ({ listInstances: async (location) => (await client.listInstances(location)).slice(0, 5) }),
  ],
];

test.each(DEFECTS)('%s is found by %s', async (_what, id, breaks) => {
  const harness = { ...simHarness, driver: broken(breaks) };
  const report = await runSuite({ harness, only: [id], progress: () => {} });
  expect(report).toMatchObject({ total: 1, passed: 0, failed: 1 });
  const sound = await runSuite({ harness: simHarness, only: [id], progress: () => {} });
  expect(sound).toMatchObject({ total: 1, passed: 1, failed: 0, failures: [] });
});
