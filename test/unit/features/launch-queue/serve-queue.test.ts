import { afterEach, describe, expect, it } from 'vitest';
import { scanQueue, serveQueue } from '../../../../functions/features/launch-queue/serve-queue.ts';
import { launchesIn } from '../../../../functions/features/launch-queue/share-message.ts';
import type { LimitOverride } from '../../../../functions/model/limit-profile.ts';
import { readSiteState } from '../../../../functions/platform/governor/hold-location.ts';
import { releaseSlots } from '../../../../functions/platform/governor/release-slots.ts';
import { createKey } from '../../../../functions/platform/governor/site.ts';
import { IDLE_SITE, siteStateSchema } from '../../../../functions/platform/governor/site-state.ts';
import { readQueue, removeFromQueue } from '../../../../functions/platform/store/launch-queue.ts';
import { updateVersioned } from '../../../../functions/platform/store/versioned.ts';
import { AWAIT, EAST, idOf, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

let fleet: OneFleet;
afterEach(() => fleet.end());

/** Opens a fleet at a site with `slots` slots. All slots are held, and `queued` more launches wait in the queue. */
async function open(slots: number, queued: number, more: LimitOverride = {}): Promise<void> {
  fleet = await OneFleet.open({
    size: slots + queued,
    limits: { concurrentInstancesPerLocation: slots, ...more },
  });
  for (let index = 0; index < slots + queued; index += 1) await fleet.handle(launchOf(index));
  fleet.queue = [];
  fleet.history.length = 0;
}

const serve = async (stalled?: string[]) =>
  await serveQueue(fleet.worker.context, EAST, await fleet.opened(), stalled && new Set(stalled));
const scan = async () => await scanQueue(fleet.worker.context, EAST, await fleet.opened());
const queued = async () => (await readQueue(fleet.store, EAST)).map(({ message }) => message.index);

describe('serveQueue', () => {
  it('serveQueue grants free slots to the first launches of the queue, and returns whether more launches wait', async () => {
    await open(2, 3);
    await releaseSlots(fleet.store, EAST, [{ instanceId: idOf(0) }]);
    fleet.nowMs += 60_000;
    expect(await serve([])).toBe(true);
    expect(await queued()).toEqual([3, 4]);
    await releaseSlots(fleet.store, EAST, [{ instanceId: idOf(1) }, { instanceId: idOf(2) }]);
    expect(await serve([])).toBe(false);
    expect(await queued()).toEqual([]);
    expect(
      fleet
        .sent('launch')
        .flatMap(launchesIn)
        .map(({ index }) => index),
    ).toEqual([2, 3, 4]);
  });

  it('serveQueue makes only two reads and grants nothing while all slots are held', async () => {
    await open(1, 1);
    const before = fleet.worker.steps;
    expect(await serve([])).toBe(true);
    expect(fleet.worker.steps - before).toBe(2);
    expect(await queued()).toEqual([1]);
  });

  it('serveQueue returns false when the queue is empty', async () => {
    await open(1, 0);
    expect(await serve([])).toBe(false);
  });

  it('if a worker died after it granted a slot, serveQueue sends the launch of that slot', async () => {
    await open(1, 1);
    fleet.nowMs += 60_000;
    const dying = fleet.makeWorker({ at: /^send/, does: 'die' });
    await releaseSlots(fleet.store, EAST, [{ instanceId: idOf(0) }]);
    await fleet.run(dying, async () => serveQueue(dying.context, EAST, await fleet.opened(), new Set()));
    expect(await fleet.holders()).toEqual([1]);
    await serve([]);
    expect(fleet.sent('launch')).toEqual([]);
    fleet.nowMs += 6_000;
    await serve([]);
    expect(fleet.sent('launch').map(({ index }) => index)).toEqual([1]);
    expect(await queued()).toEqual([]);
  });

  it.each([
    ['the poll lists the launch as a stalled slot holder', [idOf(13)]],
    ['the poll got no answer from the cloud and the launch’s permit is over five seconds old', undefined],
  ])('serveQueue first sends a launch at the end of the queue if %s', async (_, stalled) => {
    await open(1, 13);
    fleet.nowMs += 60_000;
    const others = (await readQueue(fleet.store, EAST)).slice(0, -1);
    await removeFromQueue(fleet.store, others);
    await releaseSlots(fleet.store, EAST, [{ instanceId: idOf(0) }]);
    // The worker grants the slot to launch 13, and dies before it sends the launch.
    const dying = fleet.makeWorker({ at: /^send/, does: 'die' });
    await fleet.run(dying, async () => serveQueue(dying.context, EAST, await fleet.opened(), new Set()));
    for (const entry of others) fleet.put('governor', entry);
    expect(await fleet.holders()).toEqual([13]);
    fleet.nowMs += 6_000;
    expect(await serve(stalled)).toBe(true);
    expect(fleet.sent('launch').map(({ index }) => index)).toEqual([13]);
    expect(await queued()).toHaveLength(12);
  });

  it('a launch that is served before its turn leaves the site’s turn at the head of the queue', async () => {
    await open(1, 13);
    fleet.nowMs += 60_000;
    await releaseSlots(fleet.store, EAST, [{ instanceId: idOf(0) }]);
    await serve([idOf(13)]);
    expect(fleet.sent('launch').map(({ index }) => index)).toEqual([13]);
    const [head] = await readQueue(fleet.store, EAST);
    expect(head?.message.index).toBe(1);
    expect((await readSiteState(fleet.store, EAST))?.turn).toBe(head?.tag);
  });

  it('serveQueue returns false while the budget of the connection is used up', async () => {
    await open(2, 1);
    await releaseSlots(fleet.store, EAST, [{ instanceId: idOf(0) }]);
    const budget = { reason: 'createsPerDay', untilMs: fleet.nowMs + 3_600_000 };
    await updateVersioned(fleet.store, createKey(EAST), siteStateSchema, (current = IDLE_SITE) => ({
      state: { ...current, budget },
      answer: undefined,
    }));
    expect(await serve([])).toBe(false);
    expect(await queued()).toEqual([2]);
  });
});

describe('scanQueue', () => {
  it.each(['paused', 'ended'] as const)(
    'if launching is %s, the queue scan sends the queued launches, and workers cancel these launches',
    async (how) => {
      await open(1, 2);
      await fleet.stopLaunching(how);
      await scan();
      expect(await queued()).toEqual([]);
      expect(fleet.sent('launch')).toHaveLength(1);
      for (const message of fleet.sent('launch')) await fleet.handle(message);
      expect(fleet.outcomes.size).toBe(0);
      await fleet.until(() => fleet.outcomes.has(AWAIT));
      expect(await fleet.counts()).toEqual({ Running: 1 });
    },
  );

  it('the queue scan leaves a launch in the queue while launching is on', async () => {
    await open(1, 1);
    await scan();
    expect(await queued()).toEqual([1]);
    expect(fleet.history).toEqual([]);
  });

  it('the queue scan removes an entry only after it has sent the launch', async () => {
    await open(1, 1);
    await fleet.stopLaunching('paused');
    const dying = fleet.makeWorker({ at: /^send/, does: 'die' });
    await fleet.run(dying, async () => scanQueue(dying.context, EAST, await fleet.opened()));
    expect(await queued()).toEqual([1]);
  });
});
