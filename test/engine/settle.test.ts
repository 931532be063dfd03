import { expect, it } from 'vitest';
import { settleFleet } from '../../functions/features/fleets/settle.ts';
import { readFleetItem, updateFleet } from '../../functions/platform/store/fleets.ts';
import { readFleetPartition } from '../../functions/platform/store/placements.ts';
import { transition } from '../../functions/platform/store/transition.ts';
import { claimOf, openedFleet } from './placed-fleet.ts';
import { useTables } from './tables.ts';

const store = useTables();

it('a fleet does not settle while instances are being created, unless five of its executions were interrupted in a row', async () => {
  const { fleetId, ref } = await openedFleet(store, 'unsettled', 4, 'rollback');
  const [first, second] = [claimOf(fleetId, 0), claimOf(fleetId, 1)];
  for (const record of [first, second]) await transition(store, ref, [{ kind: 'claim', record }], 0);
  const settle = () => settleFleet(store, { fleetId, execution: 1 });
  await expect(settle()).rejects.toThrow('instances in Creating');
  await transition(store, ref, [{ kind: 'change', record: first, to: 'Running', fields: {} }], 0);
  await expect(settle()).rejects.toThrow('instances in Creating');
  const { placements } = await readFleetPartition(store, fleetId);
  // Launching stays on, because the next execution launches the missing instances.
  expect(placements.map(({ launching }) => launching)).toEqual(['on', 'on']);

  const fleet = await readFleetItem(store, fleetId);
  if (!fleet) throw new Error('the fleet has no record');
  await updateFleet(store, fleet, { interruptions: 5 });
  expect(await settle()).toMatchObject({ status: 'RollingBack' });
});
