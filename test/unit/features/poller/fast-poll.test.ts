import { afterEach, expect, test } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { pollsPerSecond } from '../../../../functions/features/poller/fast-poll.ts';
import { readQueue, removeFromQueue } from '../../../../functions/platform/store/launch-queue.ts';
import { readLoop, scheduleNextPoll } from '../../../../functions/platform/store/loops.ts';
import type { PollMessage } from '../../../../functions/platform/workflow/messages.ts';
import { EAST, launchOf, OneFleet } from '../one-fleet/one-fleet.ts';

const limitsOf = (listsPerSecond: number, createsPerSecond: number) => ({
  concurrentInstancesPerLocation: 20,
  calls: {
    list: { perSecond: listsPerSecond, burst: 10 },
    create: { perSecond: createsPerSecond, burst: 10 },
    mutate: { perSecond: 10, burst: 10 },
  },
});

test('a site with a small list rate is polled once a second', () => {
  expect(pollsPerSecond(limitsOf(2, 50), 1_000)).toBe(1);
});

test('a site is polled once a second if its machines boot slowly, or no boot was measured', () => {
  expect(pollsPerSecond(limitsOf(50, 50), 2_001)).toBe(1);
  expect(pollsPerSecond(limitsOf(50, 50), undefined)).toBe(1);
  expect(pollsPerSecond(limitsOf(50, 50), 2_000)).toBe(5);
});

test('a site whose cloud has no slots is polled once a second, because launches wait only for the rate', () => {
  expect(pollsPerSecond({ calls: limitsOf(50, 50).calls }, 1_000)).toBe(1);
});

test.each([
  [2.5, 50, 2],
  [5, 5, 3],
  [10, 5, 3],
  [5, 50, 3],
  [10, 50, 5],
  [50, 8, 4],
  [50, 50, 5],
])(
  'with quick boots, a site that allows %d list calls and %d creates a second is polled %d times a second',
  (lists, creates, polls) => {
    expect(pollsPerSecond(limitsOf(lists, creates), 1_000)).toBe(polls);
  },
);

/** Writes the shortest boot at the site to its poll loop. */
async function noteFastest({ store }: OneFleet, fastestMs: number): Promise<void> {
  const ref = { driver: 'sim', ...EAST };
  const loop = await readLoop(store, ref);
  if (!loop) throw new Error('no poll loop runs');
  const { generation, ...rest } = loop;
  await scheduleNextPoll(store, ref, generation, { ...rest, fastestMs });
}

/** Opens a fleet like `openWaiting`, at a site where no boot was measured and no poll was made. */
async function openUnmeasured(listsPerSecond = 10): Promise<OneFleet> {
  const limits = {
    concurrentInstancesPerLocation: 1,
    calls: { list: { perSecond: listsPerSecond, burst: 10 } },
  };
  const fleet = await OneFleet.open({ size: 2, limits });
  await fleet.handle(launchOf(0));
  await fleet.handle(launchOf(1));
  fleet.history.length = 0;
  return fleet;
}

/**
 * Opens a fleet at a site with one slot. Instance 0 holds the slot and boots for 10 s; launch 1 waits for the slot.
 *
 * @param fastestMs the shortest boot at the site so far
 */
async function openWaiting(listsPerSecond: number, fastestMs = 1_000): Promise<OneFleet> {
  const fleet = await openUnmeasured(listsPerSecond);
  await noteFastest(fleet, fastestMs);
  await fleet.poll();
  fleet.history.length = 0;
  return fleet;
}
const fastOf = (fleet: OneFleet) => fleet.sent('poll').filter(({ fast }) => fast);
const listsOf = (fleet: OneFleet) => fleet.history.filter((one) => one.startsWith('list'));
async function fastPollOf(fleet: OneFleet): Promise<PollMessage> {
  const [message] = fastOf(fleet);
  if (!message) throw new Error('the poll sent no fast poll, although a launch waits for a slot');
  fleet.queue = [];
  return message;
}

let fleet: OneFleet | undefined;
afterEach(() => {
  fleet?.end();
  fleet = undefined;
});

test('while a launch waits for a slot, only the first of two polls starts fast polls', async () => {
  fleet = await openWaiting(10);
  expect(fastOf(fleet)).toHaveLength(1);
  const waiting = fastOf(fleet);
  fleet.nowMs += 1_000;
  await fleet.poll();
  expect([...waiting, ...fastOf(fleet)]).toHaveLength(1);
});

test('a poll starts no fast polls if the site’s list rate is too low for fast polls', async () => {
  fleet = await openWaiting(2);
  expect(fastOf(fleet)).toEqual([]);
});

test('a poll starts no fast polls if the site’s machines boot slowly', async () => {
  fleet = await openWaiting(10, 3_000);
  expect(fastOf(fleet)).toEqual([]);
});

test('fast polls begin before the first boot is measured, and last for one second', async () => {
  fleet = await openUnmeasured();
  fleet.nowMs += 1_000;
  await fleet.poll();
  const message = await fastPollOf(fleet);
  fleet.history.length = 0;
  await fleet.handle(message);
  expect(listsOf(fleet).length).toBeGreaterThan(0);
  expect(fastOf(fleet)).toEqual([]);
});

test('a poll starts no fast polls if the first machine has been booting for more than two seconds', async () => {
  fleet = await openUnmeasured();
  fleet.nowMs += 2_500;
  await fleet.poll();
  expect(fastOf(fleet)).toEqual([]);
});

test('fast polls end when the site’s machines have become slow', async () => {
  fleet = await openWaiting(10);
  const message = await fastPollOf(fleet);
  await noteFastest(fleet, 3_000);
  fleet.history.length = 0;
  await fleet.handle(message);
  expect(listsOf(fleet)).toEqual([]);
  expect(fastOf(fleet)).toEqual([]);
});

test('if the message of a fast poll is delivered twice, the second delivery polls nothing', async () => {
  fleet = await openWaiting(10);
  const message = await fastPollOf(fleet);
  await fleet.handle(message);
  const lists = listsOf(fleet).length;
  expect(lists).toBeGreaterThan(0);
  await fleet.handle(message, fleet.makeWorker());
  expect(listsOf(fleet)).toHaveLength(lists);
  expect(fastOf(fleet)).toHaveLength(1);
});

test('a fast poll gives the slot of a running machine to the waiting launch, and sends the next fast poll', async () => {
  fleet = await openWaiting(10);
  const message = await fastPollOf(fleet);
  fleet.nowMs += 20_000;
  await fleet.handle(message);
  expect(await fleet.record(0)).toMatchObject({ status: 'Running' });
  expect(await fleet.holders()).toEqual([1]);
  expect(fastOf(fleet)).toEqual([{ ...message, generation: message.generation + 1 }]);
});

test('a record stays open when the lists of several fast polls are empty', async () => {
  fleet = await openWaiting(10);
  const message = await fastPollOf(fleet);
  fleet.nowMs += 60_000;
  fleet.cloud.vanish(fleet.cloud.made[0]);
  await fleet.handle(message);
  const [next] = fastOf(fleet);
  if (next) await fleet.handle(next);
  expect(listsOf(fleet).length).toBeGreaterThan(2);
  expect(await fleet.record(0)).toMatchObject({ status: 'Creating' });
});

test('fast polls continue after a failed list call', async () => {
  fleet = await openWaiting(10);
  const message = await fastPollOf(fleet);
  fleet.cloud.meet = (call) => {
    if (call.startsWith('list')) throw new DriverError('Unavailable', 'not now');
  };
  await fleet.handle(message);
  expect(fastOf(fleet)).toHaveLength(1);
});

test('fast polls end after a regular poll of the loop has found no waiting launch', async () => {
  fleet = await openWaiting(10);
  const message = await fastPollOf(fleet);
  fleet.nowMs += 20_000;
  const queue = await readQueue(fleet.store, EAST);
  await removeFromQueue(fleet.store, queue);
  await fleet.poll();
  fleet.history.length = 0;
  fleet.queue = [];
  await fleet.handle(message);
  expect(listsOf(fleet)).toEqual([]);
  expect(fleet.queue).toEqual([]);
});
