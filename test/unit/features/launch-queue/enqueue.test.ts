import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enqueue } from '../../../../functions/features/launch-queue/enqueue.ts';
import { readQueue } from '../../../../functions/platform/store/launch-queue.ts';
import { want } from '../../platform/governor/wanted.ts';
import { EAST, FLEET, idOf, launchOf, NOON, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
beforeEach(async () => {
  fleet = await OneFleet.open({ size: 3 });
});
afterEach(() => fleet.end());

const wantedOf = (...indexes: number[]) =>
  new Map(indexes.map((index) => [idOf(index), want(idOf(index), { fleetId: FLEET })]));
const entries = async () => await readQueue(fleet.store, EAST);

describe('enqueue', () => {
  it('queued launches get turns (places in the fair order) in steps of four after the site’s current turn', async () => {
    const attempts = [0, 1, 2].map((index) => ({ message: launchOf(index), again: false }));
    await enqueue(fleet.worker.context, EAST, attempts, { wanted: wantedOf(0, 1, 2), turn: 100 });
    const all = await entries();
    expect(all.map(({ message }) => message.index)).toEqual([0, 1, 2]);
    expect(all.map(({ tag }) => tag)).toEqual([104, 108, 112]);
  });

  it('a launch that is enqueued again keeps its `waitsSinceMs`', async () => {
    const attempts = [
      { message: launchOf(0), again: false },
      { message: launchOf(1, { waitsSinceMs: NOON - 60_000 }), again: false },
    ];
    await enqueue(fleet.worker.context, EAST, attempts, { wanted: wantedOf(0, 1), turn: 0 });
    const all = await entries();
    expect(all.map(({ message }) => message.waitsSinceMs)).toEqual([NOON, NOON - 60_000]);
    expect(all.map(({ wanted }) => wanted.waitsSinceMs)).toEqual([NOON, NOON - 60_000]);
  });

  it('a worker first writes the queue entry of a launch and then starts a poll', async () => {
    const written: number[] = [];
    const worker = fleet.makeWorker({
      at: /LOOP#/,
      does: async () => written.push((await entries()).length),
    });
    const attempts = [{ message: launchOf(0), again: false }];
    await enqueue(worker.context, EAST, attempts, { wanted: wantedOf(0), turn: 0 });
    expect(written).toEqual([1]);
    expect(fleet.sent('poll')).toHaveLength(1);
  });

  it('enqueue makes no call if it gets no launch', async () => {
    await enqueue(fleet.worker.context, EAST, [], { wanted: new Map(), turn: 0 });
    expect(fleet.worker.steps).toBe(0);
  });
});
