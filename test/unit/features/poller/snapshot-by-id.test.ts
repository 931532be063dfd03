import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { snapshotById } from '../../../../functions/features/poller/snapshot-by-id.ts';
import { idOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open({ size: 3 });
  for (const index of [0, 1, 2]) await fleet.handle(launchOf(index));
  fleet.nowMs += 20_000;
  fleet.history.length = 0;
});
afterEach(() => fleet.end());

async function look(askedUpTo = '') {
  const { context, site, opened, loop } = await fleet.takePoll();
  const own = { ...loop, askedUpTo };
  const snapshot = await fleet.run(fleet.worker, () => snapshotById(context, site, opened, own));
  if (typeof snapshot !== 'object') return snapshot;
  return { ...snapshot, asked: [...(snapshot.asked ?? [])].toSorted(), upTo: own.askedUpTo };
}
const refuse = (calls: RegExp, code: 'Unavailable' | 'NoPermit' | 'NotFound' = 'Unavailable') => {
  fleet.cloud.meet = (call) => {
    if (calls.test(call)) throw new DriverError(code, 'not now');
  };
};

describe('snapshotById', () => {
  it('snapshotById asks the cloud for each machine by its backend id', async () => {
    const snapshot = await look();
    expect(fleet.history).toEqual(['get m1', 'get m2', 'get m3']);
    expect(snapshot).toMatchObject({ isFull: false, isListless: true, upTo: idOf(2) });
    expect(snapshot).toMatchObject({ asked: [idOf(0), idOf(1), idOf(2)] });
    expect(snapshot).toHaveProperty('seen.length', 3);
  });

  it('`asked` does not contain an instance if the cloud answers Unavailable for its machine', async () => {
    refuse(/^get m2/);
    const snapshot = await look();
    expect(snapshot).toMatchObject({ asked: [idOf(0), idOf(2)] });
    expect(snapshot).toHaveProperty('seen.length', 2);
  });

  it('`asked` contains an instance whose machine no longer exists, and `seen` does not contain the machine', async () => {
    fleet.cloud.vanish(fleet.cloud.made[1]);
    const snapshot = await look();
    expect(snapshot).toMatchObject({ asked: [idOf(0), idOf(1), idOf(2)] });
    expect(snapshot).toHaveProperty('seen.length', 2);
  });

  it('snapshotById asks for machines in transition first, then continues where the previous poll ended', async () => {
    for (const index of [0, 1]) {
      const record = await fleet.claimed(index);
      fleet.putRecord({ ...record, status: 'Running' });
    }
    await look(idOf(0));
    expect(fleet.history.filter((one) => one.startsWith('get'))).toEqual(['get m3', 'get m2', 'get m1']);
  });

  it('an instance in Terminating whose machine is unknown is looked up by its launch token', async () => {
    const { backendId: _unknown, ...record } = await fleet.claimed(0);
    fleet.putRecord({ ...record, status: 'Terminating', launchState: 'unknown' });
    await look();
    expect(fleet.history).toContain(`find ${idOf(0)}.1`);
  });

  it('an instance in Creating whose machine is unknown is not asked about', async () => {
    const { backendId: _unknown, ...record } = await fleet.claimed(0);
    fleet.putRecord({ ...record, launchState: 'unknown' });
    expect(await look()).toMatchObject({ asked: [idOf(1), idOf(2)] });
  });

  it('snapshotById returns undefined if the cloud answers Unavailable to every call', async () => {
    refuse(/^get/);
    expect(await look()).toBeUndefined();
  });

  it('snapshotById returns undefined for a site without machines', async () => {
    for (const index of [0, 1, 2]) fleet.putRecord({ ...(await fleet.claimed(index)), status: 'Failed' });
    expect(await look()).toBeUndefined();
    expect(fleet.history.filter((one) => one.startsWith('get'))).toEqual([]);
  });
});
