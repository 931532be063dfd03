import { afterEach, expect, it } from 'vitest';
import { freeUnneededSlots } from '../../../../functions/features/launch-queue/free-unneeded-slots.ts';
import { instanceId } from '../../../../functions/model/identifiers.ts';
import { readHolders } from '../../../../functions/platform/governor/hold-location.ts';
import { permitCreates } from '../../../../functions/platform/governor/permit-creates.ts';
import type { LaunchMessage } from '../../../../functions/platform/workflow/messages.ts';
import { type WorkerWorld, workerWorld } from '../../../samples/worker-world.ts';
import { limits, NOON, want } from '../../platform/governor/wanted.ts';

const FLEET = 'f1kdvdnc4jyfcbym5';
const ID = instanceId({ fleetId: FLEET, index: 0 });
const site = { connectionKey: 'sim/default/sim-aws', location: 'east-1' };
const message: LaunchMessage = {
  kind: 'launch',
  fleetId: FLEET,
  index: 0,
  round: 1,
  ...site,
};

let world: WorkerWorld;
afterEach(() => world.end());

const permit = () => permitCreates(world.context.store, { ...site, limits: limits({}) }, [want(ID)]);
const isHeld = async () => ID in (await readHolders(world.context.store, site));

it('freeUnneededSlots gives back the slot of a launch that the launch gate stopped', async () => {
  world = workerWorld(NOON);
  await permit();
  await freeUnneededSlots(world.context, [message]);
  expect(await isHeld()).toBe(false);
});

it('a slot stays held if the instance’s launch of a later round gets a permit after the launch gate was read', async () => {
  world = workerWorld(NOON);
  await permit();
  let rounds = 0;
  world.meet = async (input) => {
    if (!input.includes('INST#') || rounds > 0) return;
    rounds += 1;
    await permit();
  };
  await freeUnneededSlots(world.context, [message]);
  expect([rounds, await isHeld()]).toEqual([1, true]);
});
