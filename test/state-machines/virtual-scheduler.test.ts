import { setTimeout as realSleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { VirtualScheduler } from './interpreter/virtual-scheduler.ts';

it('the virtual clock stands still until work outside of virtual time has settled', async () => {
  const scheduler = new VirtualScheduler();
  const startMs = scheduler.now();
  const order: string[] = [];
  const play = async () => {
    const timer = scheduler.sleep(1_000).then(() => order.push('timer'));
    await scheduler.outside(realSleep(20));
    order.push(`outside after ${scheduler.now() - startMs} ms`);
    await expect(scheduler.outside(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    await timer;
    return scheduler.now() - startMs;
  };
  expect(await scheduler.run(play())).toBe(1_000);
  expect(order).toEqual(['outside after 0 ms', 'timer']);
});
