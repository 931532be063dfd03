import { afterEach, expect, it } from 'vitest';
import { terminateInstances } from '../../../../functions/features/instances/terminate.ts';
import { layOut } from '../../../../functions/platform/placement/lay-out.ts';
import { endPlacement } from '../../../../functions/platform/store/placements.ts';
import { ACK } from '../../../../functions/platform/worker/context.ts';
import { EAST, FLEET, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
afterEach(() => fleet.end());

const TERMINATE = { kind: 'terminate', fleetId: FLEET, ...EAST, scope: 'fleet' } as const;
const check = async (taskToken: string) =>
  await fleet.run(fleet.worker, () => terminateInstances(fleet.worker.context, { ...TERMINATE, taskToken }));

it('a message whose removal takes long ends when no workflow step waits for its task any more', async () => {
  fleet = await OneFleet.open({ size: 1 });
  await fleet.handle(launchOf(0));
  for (const placement of layOut(fleet.spec)) await endPlacement(fleet.store, FLEET, placement);
  fleet.spent.add('first try');
  // The machine is never removed: no poll runs.
  expect(await check('first try')).toMatchObject({ done: false });
  fleet.nowMs += 9 * 60_000;
  expect(await check('first try')).toMatchObject({ done: false });
  expect(fleet.heartbeats).toEqual([]);
  fleet.nowMs += 60_000;
  expect(await check('first try')).toEqual(ACK);
  expect(await check('second try')).toMatchObject({ done: false });
  expect(fleet.outcomes.has('first try')).toBe(false);
});
