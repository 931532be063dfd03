import { afterEach, describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { freeSlots, serveEntries } from '../../../../functions/features/launch-queue/free-slots.ts';
import { launchesIn } from '../../../../functions/features/launch-queue/share-message.ts';
import { recordFeedback } from '../../../../functions/platform/governor/create-feedback.ts';
import { readHolders } from '../../../../functions/platform/governor/hold-location.ts';
import { readQueue } from '../../../../functions/platform/store/launch-queue.ts';
import { governed } from '../../../../functions/platform/worker/context.ts';
import { want } from '../../platform/governor/wanted.ts';
import { AWAIT, EAST, FLEET, idOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
afterEach(() => fleet.end());

/** Opens a fleet at a site with `slots` slots. All slots are held, and `queued` more launches wait in the queue. */
async function open(slots: number, queued: number): Promise<void> {
  fleet = await OneFleet.open({
    size: slots + queued,
    limits: { concurrentInstancesPerLocation: slots, calls: { create: { perSecond: 2, burst: 4 } } },
  });
  for (let index = 0; index < slots + queued; index += 1) await fleet.handle(launchOf(index));
  fleet.nowMs += 60_000;
  fleet.queue = [];
  fleet.history.length = 0;
}

const site = async () => governed(EAST, await fleet.opened());
const queued = async () => (await readQueue(fleet.store, await site())).map(({ message }) => message.index);

describe('freeSlots', () => {
  it('freeSlots gives a slot back and grants the slot to the launch at the head of the queue', async () => {
    await open(1, 2);
    await freeSlots(fleet.worker.context, EAST, [{ instanceId: idOf(0) }]);
    expect(fleet.history).toEqual(['slot 0 returned', 'slot 1 taken', 'send launch 1']);
    expect(await fleet.holders()).toEqual([1]);
    expect(await queued()).toEqual([2]);
  });

  it('two workers that free slots at the same time grant no more slots than the site has', async () => {
    await open(2, 4);
    const workers = [fleet.worker, fleet.makeWorker()];
    await Promise.all(
      workers.map((worker, index) =>
        fleet.run(worker, () => freeSlots(worker.context, EAST, [{ instanceId: idOf(index) }])),
      ),
    );
    expect(await fleet.holders()).toHaveLength(2);
    expect([...(await fleet.holders()), ...(await queued())]).toEqual([2, 3, 4, 5]);
  });

  it('launches that will share a create call leave the queue in one message', async () => {
    await open(3, 3);
    const entries = await readQueue(fleet.store, await site());
    const first = entries.map((entry) => ({
      ...entry,
      wanted: { ...entry.wanted, call: { key: 'workers', most: 10 } },
    }));
    const released = [0, 1, 2].map((index) => ({ instanceId: idOf(index) }));
    const { context } = fleet.worker;
    expect(await serveEntries(context, EAST, await fleet.opened(), { first, released })).toBe(3);
    expect(fleet.history.filter((step) => step.startsWith('send launch'))).toEqual(['send launch 3']);
    expect(await queued()).toEqual([]);
    fleet.cloud.bootMs = 0;
    await fleet.until(async () => {
      const records = await Promise.all([3, 4, 5].map((index) => fleet.record(index)));
      return records.every((record) => record?.status === 'Running');
    });
  });

  it('a slot that is given back twice is granted only once', async () => {
    await open(1, 2);
    await freeSlots(fleet.worker.context, EAST, [{ instanceId: idOf(0) }]);
    fleet.nowMs += 4_000;
    await freeSlots(fleet.worker.context, EAST, [{ instanceId: idOf(0) }]);
    expect(await fleet.holders()).toEqual([1]);
    expect(await queued()).toEqual([2]);
  });

  it('a slot stays with its holder if a worker gives back an earlier permit of this holder', async () => {
    await open(1, 1);
    const [startMs = 0] = Object.values(await readHolders(fleet.store, EAST));
    await freeSlots(fleet.worker.context, EAST, [{ instanceId: idOf(0), startMs: startMs - 1 }]);
    expect(await fleet.holders()).toEqual([0]);
  });

  it('if a worker dies before it removes a granted launch from the queue, the launch is sent later', async () => {
    for (const at of [/^send.*launch/, /BatchWriteCommand/]) {
      await open(1, 1);
      const dying = fleet.makeWorker({ at, does: 'die' });
      await fleet.run(dying, () => freeSlots(dying.context, EAST, [{ instanceId: idOf(0) }]));
      expect(await queued()).toEqual([1]);
      fleet.cloud.bootMs = 0;
      await fleet.until(() => fleet.outcomes.has(AWAIT));
      expect(fleet.cloud.made.map(({ instanceId }) => instanceId)).toEqual([idOf(0), idOf(1)]);
      expect(await queued()).toEqual([]);
      fleet.end();
    }
  });

  it('a worker that frees a slot starts a poll if no launch leaves the queue', async () => {
    await open(1, 1);
    const feedback = Array.from({ length: 5 }, () => ({ kind: 'unavailable' as const }));
    await recordFeedback(fleet.store, await site(), feedback, []);
    const worker = fleet.makeWorker();
    await freeSlots(worker.context, EAST, [{ instanceId: idOf(0) }]);
    expect(await queued()).toEqual([1]);
    expect(await fleet.holders()).toEqual([]);
    expect(fleet.sent('poll')).toHaveLength(1);
  });

  it('if the connection cannot be opened, slots are given back and no queued launch gets a slot', async () => {
    await open(1, 1);
    const { context } = fleet.worker;
    const closed = {
      ...context,
      open: () => Promise.reject(new DriverError('Unauthorized', 'there is no credential')),
    };
    await freeSlots(closed, EAST, [{ instanceId: idOf(0) }]);
    expect(await fleet.holders()).toEqual([]);
    expect(await queued()).toEqual([1]);
  });

  it('if a worker dies at any step, each queued instance still runs, and the only slot never has two holders', async () => {
    for (let at = 1; at <= 24; at += 2) {
      fleet?.end();
      fleet = await OneFleet.open({ size: 3, limits: { concurrentInstancesPerLocation: 1 } });
      fleet.cloud.bootMs = 500;
      for (const index of [0, 1, 2]) fleet.send(launchOf(index), 0);
      for (let delivery = 1; delivery <= 3; delivery += 1) await fleet.deliverNext();
      await fleet.deliverNext(fleet.makeWorker({ at, does: 'die' }));
      let most = 0;
      await fleet.until(async () => {
        const { length } = await fleet.holders();
        most = Math.max(most, length);
        return fleet.outcomes.has(AWAIT) && length === 0;
      });
      expect(most).toBe(1);
      expect(await fleet.counts()).toEqual({ Running: 3 });
      expect(fleet.cloud.made).toHaveLength(3);
    }
  });
});

describe('serveEntries', () => {
  it('each granted launch is sent with a delay that ends at the start time of its permit', async () => {
    await open(6, 0);
    await freeSlots(
      fleet.worker.context,
      EAST,
      [0, 1, 2, 3, 4, 5].map((index) => ({ instanceId: idOf(index) })),
    );
    const opened = await fleet.opened();
    const first = [0, 1, 2, 3, 4, 5].map((index) => ({
      pk: 'QUEUE',
      sk: `ENTRY#${index}`,
      tag: index,
      message: launchOf(index),
      wanted: want(idOf(index), { fleetId: FLEET }),
    }));
    expect(await serveEntries(fleet.worker.context, EAST, opened, { first })).toBe(6);
    const holders = await readHolders(fleet.store, EAST);
    for (const { message, delayMs } of fleet.queue)
      for (const { index } of message.kind === 'launch' ? launchesIn(message) : []) {
        const waitMs = Math.max(0, (holders[idOf(index)] ?? 0) - fleet.nowMs);
        // The queue's delays are whole seconds: launches of one second share a message.
        expect(Math.ceil(delayMs / 1_000)).toBe(Math.ceil(waitMs / 1_000));
        expect(delayMs).toBeGreaterThanOrEqual(waitMs);
      }
    expect(Math.max(...fleet.queue.map(({ delayMs }) => delayMs))).toBeGreaterThan(0);
  });

  it('a queued launch that the governor denies is sent without delay and gets no slot', async () => {
    await open(1, 1);
    const wanted = want(idOf(1), { fleetId: FLEET });
    await recordFeedback(fleet.store, await site(), [{ kind: 'no-quota', wanted, message: 'no vCPUs' }], []);
    await freeSlots(fleet.worker.context, EAST, [{ instanceId: idOf(0) }]);
    expect(fleet.queue.map(({ message, delayMs }) => [message.kind, delayMs])).toEqual([['launch', 0]]);
    expect(await queued()).toEqual([]);
    expect(await fleet.holders()).toEqual([]);
  });
});
