import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { snapshotById } from '../../../../functions/features/poller/snapshot-by-id.ts';
import type { Loop } from '../../../../functions/platform/store/loops.ts';
import { idOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open({ size: 3 });
  for (const index of [0, 1, 2]) await fleet.handle(launchOf(index));
  fleet.nowMs += 20_000;
  fleet.history.length = 0;
});
afterEach(() => fleet.end());

async function look(
  askedUpTo = '',
  deferredReads: Record<string, number> = {},
  askedUpToAtRest = '',
  fastestMs = 0,
) {
  const { context, site, opened, loop } = await fleet.takePoll();
  const own: Loop = { ...loop, askedUpTo, askedUpToAtRest, deferredReads, fastestMs };
  const snapshot = await fleet.run(fleet.worker, () => snapshotById(context, site, opened, own));
  if (typeof snapshot !== 'object') return snapshot;
  const { askedUpTo: upTo, askedUpToAtRest: restUpTo, deferredReads: failed } = own;
  return { ...snapshot, asked: [...(snapshot.asked ?? [])].toSorted(), upTo, restUpTo, failed };
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
    expect(await look('', {}, idOf(0))).toMatchObject({ upTo: idOf(2), restUpTo: idOf(0) });
    expect(fleet.history.filter((one) => one.startsWith('get'))).toEqual(['get m3', 'get m2', 'get m1']);
  });

  it('a machine whose last read had no answer is read after the others in transition, and before those at rest', async () => {
    fleet.putRecord({ ...(await fleet.claimed(1)), status: 'Running' });
    refuse(/^get m1/);
    const { failed } = Object(await look());
    expect(failed).toEqual({ [idOf(0)]: fleet.nowMs });
    refuse(/^no call/);
    fleet.history.length = 0;
    expect(await look(idOf(2), failed)).toMatchObject({ failed: {} });
    expect(fleet.history.filter((one) => one.startsWith('get'))).toEqual(['get m3', 'get m1', 'get m2']);
  });

  it('two minutes after a read without an answer, a machine is read in its turn again', async () => {
    await look('', { [idOf(0)]: fleet.nowMs - 119_000 });
    await look('', { [idOf(0)]: fleet.nowMs - 121_000 });
    expect(fleet.history).toEqual(['get m2', 'get m3', 'get m1', 'get m1', 'get m2', 'get m3']);
  });

  it('the poll loop remembers at most 200 reads without an answer', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`i${at}`, fleet.nowMs - 1_000 * at]),
    );
    const { failed } = Object(await look('', many));
    expect(Object.keys(failed)).toHaveLength(120);
    const recent = Object.fromEntries(Object.keys(many).map((id) => [id, fleet.nowMs]));
    expect(Object.keys(Object(await look('', recent)).failed)).toHaveLength(200);
  });

  it('a machine whose read gets no permit is read first by the next poll', async () => {
    fleet.end();
    fleet = await OneFleet.open({ size: 3, limits: { calls: { list: { perSecond: 0.1, burst: 2 } } } });
    for (const index of [0, 1, 2]) await fleet.handle(launchOf(index));
    fleet.history.length = 0;
    const { upTo } = Object(await look());
    expect(fleet.history).toEqual(['get m1', 'get m2']);
    fleet.nowMs += 20_000;
    await look(upTo);
    expect(fleet.history).toEqual(['get m1', 'get m2', 'get m3', 'get m1']);
  });

  it('a machine that cannot be expected to run yet by its slot and the shortest boot time is read last', async () => {
    fleet.end();
    fleet = await OneFleet.open({ size: 2 });
    await fleet.handle(launchOf(1));
    fleet.nowMs += 60_000;
    await fleet.handle(launchOf(0));
    fleet.history.length = 0;
    await look('', {}, '', 30_000);
    await look('', {}, '', 1_000);
    expect(fleet.history).toEqual(['get m1', 'get m2', 'get m2', 'get m1']);
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
