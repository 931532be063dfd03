import { expect, it } from 'vitest';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { rangesPartition } from '../../functions/platform/store/keys.ts';
import { calmScenario, fleetAt } from './scenario/calm.ts';
import { runScenario } from './scenario/run.ts';
import type { Stage } from './scenario/stage.ts';
import { NAMESPACE } from './world/lab.ts';

const GUESTS = 'guests';
const plainly = { query: {}, body: undefined, idempotencyKey: undefined };
const ofConnection = { namespace: NAMESPACE, connection: 'sim-aws' };

const fleet = (name: string, mode: 'shared' | 'dedicated' = 'shared'): FleetRequest => ({
  ...fleetAt(['sim-aws'], 2, { name, locations: ['east-1'] }),
  network: { mode },
});

async function told(seed: number, story: (stage: Stage, guests: Stage) => Promise<void>): Promise<void> {
  const result = await runScenario(calmScenario({ seed }), false, async (stage) => {
    await stage.lab.requestAccess((api) =>
      api.createNamespace({ ...plainly, params: {}, body: { name: GUESTS } }),
    );
    await stage.lab.requestConnections((api) =>
      api.shareConnection({ ...plainly, params: { ...ofConnection, target: GUESTS } }),
    );
    await story(stage, stage.in(GUESTS));
  });
  expect(result.violations).toEqual([]);
}

const networksOf = (stage: Stage) =>
  stage.lab.clouds.sites
    .flatMap(({ resources }) => [...resources.values()])
    .filter(({ kind }) => kind === 'network');

const takenBy = (stage: Stage, namespace: string) =>
  stage.lab.tables.fleets
    .all()
    .filter(({ pk }) => pk === rangesPartition(namespace))
    .flatMap(({ ranges }) => ranges);

it('fleets of two namespaces on one connection run at the same sites, in a shared network of each namespace', async () => {
  await told(11, async (stage, guests) => {
    const [own, theirs] = [await stage.create(fleet('web')), await guests.create(fleet('web'))];
    await stage.until(own.id, ({ status }) => status === 'Running');
    await guests.until(theirs.id, ({ status }) => status === 'Running');
    expect(networksOf(stage)).toHaveLength(2);
    expect([takenBy(stage, NAMESPACE).length, takenBy(stage, GUESTS).length]).toEqual([1, 1]);
    const second = await guests.create(fleet('more'));
    await guests.until(second.id, ({ status }) => status === 'Running');
    expect(networksOf(stage)).toHaveLength(2);
    const [record] = await guests.records(theirs);
    expect(record).toMatchObject({ namespace: GUESTS, connectionKey: `sim/${NAMESPACE}/sim-aws` });
    await stage.remove(own.id);
    for (const { id } of [theirs, second]) await guests.remove(id);
    await stage.until(own.id, ({ status }) => status === 'Terminated');
    for (const { id } of [theirs, second]) await guests.until(id, ({ status }) => status === 'Terminated');
    expect(stage.standing()).toEqual([]);
    await stage.pass(30);
    expect(networksOf(stage)).toEqual([]);
    expect([takenBy(stage, NAMESPACE).length, takenBy(stage, GUESTS).length]).toEqual([0, 0]);
  });
});

it('a fleet whose connection is no longer shared launches to its end, and is removed', async () => {
  await told(12, async (stage, guests) => {
    const { id } = await guests.create(fleet('web', 'dedicated'));
    await stage.lab.requestConnections((api) =>
      api.unshareConnection({
        ...plainly,
        query: { force: 'true' },
        params: { ...ofConnection, target: GUESTS },
      }),
    );
    await expect(guests.create(fleet('late'))).rejects.toMatchObject({ code: 'invalid-request' });
    await guests.until(id, ({ status }) => status === 'Running');
    await expect(
      stage.lab.requestConnections((api) => api.deleteConnection({ ...plainly, params: ofConnection })),
    ).rejects.toMatchObject({ code: 'in-use', extra: { usedByOthers: { fleets: 1, disks: 0 } } });
    await guests.remove(id);
    await guests.until(id, ({ status }) => status === 'Terminated');
    await stage.pass(30);
    expect((await stage.connection('sim-aws')).unsharing).toEqual([]);
    expect(networksOf(stage)).toEqual([]);
  });
});
