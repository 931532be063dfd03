import { describe, expect, it } from 'vitest';
import { PermitQueue } from '../../../../functions/platform/governor/permit-queue.ts';

/** Creates a queue whose governor permits `perSecond` requests a second. Its clock moves only when the queue sleeps. */
function queueOf(perSecond: number) {
  const asked: number[] = [];
  const timer = {
    nowMs: 0,
    now: () => timer.nowMs,
    sleep: async (ms: number) => {
      timer.nowMs += ms;
      await Promise.resolve();
    },
  };
  let left = perSecond;
  let second = 0;
  const queue = new PermitQueue(timer, async (sizes) => {
    const wanted = sizes.length;
    asked.push(wanted);
    const now = Math.floor(timer.nowMs / 1_000);
    if (now > second) left = perSecond;
    second = now;
    const granted = Math.min(left, wanted);
    left -= granted;
    return { granted, retryAfterMs: granted === wanted ? 0 : 1_000 - (timer.nowMs % 1_000) };
  });
  return { queue, asked, timer };
}

describe('PermitQueue', () => {
  it('the queue asks the governor once for the permits of all requests that begin together', async () => {
    const { queue, asked } = queueOf(10);
    await Promise.all(Array.from({ length: 7 }, () => queue.take(1, () => 0, false)));
    expect(asked).toEqual([7]);
  });

  it('a request that may not wait is refused, and the error states the time until the next attempt', async () => {
    const { queue } = queueOf(2);
    const outcomes = await Promise.allSettled(Array.from({ length: 3 }, () => queue.take(1, () => 0, false)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(outcomes[2]).toMatchObject({ reason: { code: 'NoPermit', retryAfterMs: 1_000 } });
  });

  it('requests that may wait get their permits in order', async () => {
    const { queue, timer } = queueOf(2);
    const atMs = await Promise.all(
      Array.from({ length: 6 }, () => queue.take(1, () => 5_000, false).then(() => timer.nowMs)),
    );
    expect(atMs).toEqual([0, 0, 1_000, 1_000, 2_000, 2_000]);
  });

  it('a further request of a driver method gets its permit before the first requests of other methods', async () => {
    const { queue } = queueOf(1);
    const order: string[] = [];
    const first = queue.take(1, () => 9_000, false).then(() => order.push('first'));
    const other = queue.take(1, () => 9_000, false).then(() => order.push('another'));
    const further = queue.take(1, () => 9_000, true).then(() => order.push('further'));
    await Promise.all([first, other, further]);
    expect(order).toEqual(['further', 'first', 'another']);
  });

  it('if asking the governor fails, all waiting requests are refused, and the next request asks the governor again', async () => {
    let isDown = true;
    const queue = new PermitQueue({ now: () => 0, sleep: () => Promise.resolve() }, async (wanted) => {
      if (isDown) throw new Error('no table');
      return { granted: wanted.length, retryAfterMs: 0 };
    });
    const refused = await Promise.allSettled([
      queue.take(1, () => 9_000, false),
      queue.take(1, () => 0, true),
    ]);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isDown = false;
    await expect(queue.take(1, () => 0, false)).resolves.toBeUndefined();
  });
});
