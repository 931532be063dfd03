import { expect, it } from 'vitest';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { Stage } from './scenario/stage.ts';
import { NAMESPACE } from './world/lab.ts';

const MINUTE_MS = 60_000;
/** Times in ms from the request to delete the last fleet of a network until another fleet is requested. */
const MOMENTS_MS = [0, 2_000, 8_000, 14_000, 18_000, 22_000, 30_000];

const sharing = (name: string): FleetRequest => ({
  ...fleetAt(['sim-aws'], 2, { name, locations: ['east-1'] }),
  network: { mode: 'shared' },
});

async function told(scenario: Partial<Scenario>, story: (stage: Stage) => Promise<void>): Promise<void> {
  const result = await runScenario(calmScenario(scenario), false, story);
  expect(result.violations).toEqual([]);
}

it('a fleet that comes at any moment of the removal of the last one gets a network that stands', {
  timeout: 120_000,
}, async () => {
  for (const momentMs of MOMENTS_MS) {
    await told({ seed: 1 + momentMs }, async (stage) => {
      const first = await stage.create(sharing('first'));
      await stage.until(first.id, ({ status }) => status === 'Running');
      await stage.remove(first.id);
      await stage.lab.ground.sleep(momentMs);
      const next = await stage.create(sharing('next'));
      await stage.until(next.id, ({ status }) => status === 'Running');
      await stage.until(first.id, ({ status }) => status === 'Terminated');
    });
  }
});

it('fleets that share a network keep it until the last one has ended, and the grace time is over', async () => {
  await told({ networkGraceMs: 15 * MINUTE_MS }, async (stage) => {
    const fleets = [await stage.create(sharing('one')), await stage.create(sharing('two'))];
    for (const { id } of fleets) await stage.until(id, ({ status }) => status === 'Running');
    const networkOf = () => stage.lab.clouds.sites.flatMap(({ resources }) => [...resources.values()]);
    const networks = () => networkOf().filter(({ kind }) => kind === 'network').length;
    expect(networks()).toBe(1);
    for (const { id } of fleets) {
      await stage.remove(id);
      await stage.until(id, ({ status }) => status === 'Terminated');
      expect(networks()).toBe(1);
    }
    await stage.pass(14);
    expect(networks()).toBe(1);
    await stage.pass(3);
    expect(networks()).toBe(0);
  });
});

it('a connection is deleted together with its unused shared networks, before their grace time is over', async () => {
  await told(
    { networkGraceMs: 60 * MINUTE_MS, connections: [{ name: 'sim-aws', cloud: 'aws' }] },
    async (stage) => {
      const { id } = await stage.create(sharing('only'));
      await stage.until(id, ({ status }) => status === 'Running');
      await stage.remove(id);
      await stage.until(id, ({ status }) => status === 'Terminated');
      const params = { namespace: NAMESPACE, connection: 'sim-aws' };
      const about = { params, query: {}, body: undefined, idempotencyKey: undefined };
      // The removal of security groups and of the network may take longer than one request waits.
      for (let tries = 1; ; tries += 1) {
        try {
          await stage.lab.requestConnections((api) => api.deleteConnection(about));
          break;
        } catch (error) {
          if (tries === 5) throw error;
        }
      }
      const left = stage.lab.clouds.sites.flatMap(({ resources }) => [...resources.keys()]);
      expect(left).toEqual([]);
    },
  );
});

it.each([
  ['machines', undefined],
  ['security groups', '203.0.113.0/24'],
])(
  'a fleet of restored tables ends after an operator has removed the %s that hold its shared network',
  {
    timeout: 120_000,
  },
  async (_, allowFrom) => {
    const restore = { backupAtMs: 8 * MINUTE_MS };
    await told(
      { restore, sweepIntervalMs: MINUTE_MS, graceSeconds: 60, hasOperator: true },
      async (stage) => {
        const known = await stage.create(sharing('known'));
        await stage.until(known.id, ({ status }) => status === 'Running');
        await stage.pass(10);
        const request = sharing('forgotten');
        const nodeGroups = request.nodeGroups.map((group) => ({
          ...group,
          ssh: allowFrom === undefined ? group.ssh : { allowFrom },
        }));
        const forgotten = await stage.create({ ...request, nodeGroups });
        await stage.until(forgotten.id, ({ status }) => status === 'Running');
      },
    );
  },
);
