import { expect, it } from 'vitest';
import { assignSites } from '../../functions/features/fleets/assignment.ts';
import { closeFleet, readFleetItem, updateFleet } from '../../functions/platform/store/fleets.ts';
import { createFleet } from '../../functions/platform/store/new-fleet.ts';
import { CALM } from '../chaos/ground/disturbance.ts';
import { Ground } from '../chaos/ground/ground.ts';
import { Process } from '../chaos/ground/process.ts';
import { TableWorld } from '../chaos/world/tables.ts';
import { fleetBody } from './situation.ts';

it('a private key that is made while its fleet is being deleted is not kept', async () => {
  const ground = new Ground(1, CALM, false);
  const tables = new TableWorld(ground);
  const store = tables.storeOf(new Process('plan', ground, 0));
  const fleetId = 'f0123456789abcdef';
  const group = { driver: 'sim' as const, cloud: 'aws' as const, imageBackendIds: {}, pricesUsdPerHour: {} };
  const nodeGroups = fleetBody(1).nodeGroups.map(({ instanceType = '', ...one }) => ({
    ...one,
    ...group,
    instanceType,
  }));
  const kept = new Set<string>();
  const play = async () => {
    const spec = { fleetId, namespace: 'team', name: 'web', nodeGroups };
    await createFleet(store, { spec, request: { failurePolicy: 'continue' }, connections: [] });
    const assigned = assignSites(
      {
        store,
        queueUrls: { sim: 'https://sqs.invalid/sim' },
        async makeKey() {
          const fleet = await readFleetItem(store, fleetId);
          const going = fleet && (await updateFleet(store, fleet, { status: 'Terminating', work: 'remove' }));
          if (going) await closeFleet(store, going, 'Terminated');
          return { publicKey: 'ssh-rsa AAAA', privateKey: 'private' };
        },
        async keepPrivateKey(id) {
          kept.add(id);
          return `/ssh/${id}`;
        },
        async forgetPrivateKey(id) {
          kept.delete(id);
        },
      },
      { fleetId, execution: 1 },
    );
    await expect(assigned).rejects.toThrow('changed while its instances were assigned');
  };
  await ground.scheduler.run(play()).finally(() => tables.takeBack());
  expect(kept).toEqual(new Set());
});
