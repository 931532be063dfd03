import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { adopt } from '../../../../functions/features/instances/adopt.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import { updateInstance } from '../../../../functions/platform/store/transition.ts';
import { idOf, launchOf, OneFleet, type Worker } from '../one-fleet/one-fleet.ts';

const UPDATE = /UpdateCommand.*INST#/;

let fleet: OneFleet;
let claimed: InstanceItem;
beforeEach(async () => {
  fleet = await OneFleet.open();
  await fleet.handle(launchOf(0), fleet.makeWorker({ at: /^answer to create/, does: 'die' }));
  claimed = await fleet.claimed();
  fleet.history.length = 0;
});
afterEach(() => fleet.end());

const MACHINE: CloudInstance = { backendId: 'm1', instanceId: idOf(0), status: 'Creating', zone: 'east-a' };
const bind = async (worker: Worker = fleet.worker) =>
  await fleet.run(worker, () => adopt(worker.context, claimed, MACHINE));
const removals = () => fleet.history.filter((one) => one.startsWith('terminate'));

describe('adopt', () => {
  it('adopt writes the machine’s backend id, its zone and the launch state `accepted` into the record', async () => {
    await bind();
    expect(await fleet.record()).toMatchObject({
      launchState: 'accepted',
      backendId: 'm1',
      acceptedAtMs: fleet.nowMs,
      zone: 'east-a',
    });
    expect(removals()).toEqual([]);
  });

  it('adopt writes nothing if the machine is already bound to the record', async () => {
    await bind();
    const record = await fleet.record();
    fleet.nowMs += 1_000;
    await bind();
    expect(await fleet.record()).toEqual(record);
    expect(removals()).toEqual([]);
  });

  it('adopt binds a machine even if another worker changes the record first, as long as the attempt has not ended', async () => {
    const worker = fleet.makeWorker({
      at: UPDATE,
      does: () => updateInstance(fleet.store, claimed, { launchState: 'unknown' }),
    });
    await bind(worker);
    expect(await fleet.record()).toMatchObject({ backendId: 'm1', launchState: 'accepted' });
  });

  it('adopt binds a machine even to a record in Terminating, so that a poll can remove the machine', async () => {
    fleet.putRecord({ ...claimed, status: 'Terminating' });
    await bind();
    expect(await fleet.record()).toMatchObject({ status: 'Terminating', backendId: 'm1' });
    expect(removals()).toEqual([]);
  });

  it.each([
    ['is closed', { status: 'Failed' as const }],
    ['is Planned at another location', { status: 'Planned' as const, location: 'west' }],
    ['is at a later attempt', { attempt: 2 }],
    ['is bound to another machine', { backendId: 'm9', launchState: 'accepted' as const }],
  ])('adopt removes a machine immediately if the record %s', async (_, changes) => {
    const changed = { ...claimed, ...changes };
    fleet.putRecord(changed);
    await bind();
    expect(removals()).toEqual(['terminate m1']);
    expect(await fleet.record()).toEqual(changed);
  });
});
