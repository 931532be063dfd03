import { describe, expect, it } from 'vitest';
import { type CallMeters, meteredSchedule, type Wanted } from '../../../bench/ideal/metered-schedule.ts';

/** The default buckets that EC2 publishes for RunInstances. */
const EC2: CallMeters = {
  calls: { perSecond: 2, burst: 5 },
  machines: { perSecond: 2, burst: 1_000 },
  machinesPerCall: 100,
};

const alike = (count: number, over: Partial<Wanted> = {}): Wanted => ({
  atSeconds: 0,
  likeness: 'web',
  machines: Array.from({ length: count }, () => ({ submitSeconds: 0, bootSeconds: 0 })),
  ...over,
});

describe('meteredSchedule', () => {
  it('a thousand machines go out in ten calls, five of them at once and then one every half second', () => {
    expect(meteredSchedule([alike(1_000)], EC2)).toMatchObject({ calls: 10, lastAcceptedSeconds: 2.5 });
  });

  it('ten thousand machines take the time in which the meter of machines grows by nine thousand', () => {
    const { lastAcceptedSeconds } = meteredSchedule([alike(10_000)], EC2);
    expect(lastAcceptedSeconds).toBeGreaterThanOrEqual(4_499);
    expect(lastAcceptedSeconds).toBeLessThanOrEqual(4_500 * 1.01);
  });

  it('a machine that boots last decides the makespan, although it was not accepted last', () => {
    const machines = [
      { submitSeconds: 1, bootSeconds: 40 },
      { submitSeconds: 1, bootSeconds: 20 },
    ];
    const one = {
      calls: { perSecond: 0.1, burst: 1 },
      machines: { perSecond: 1, burst: 5 },
      machinesPerCall: 1,
    };
    const schedule = meteredSchedule([alike(0, { machines })], one);
    expect(schedule).toMatchObject({ calls: 2, lastAcceptedSeconds: 11, makespanSeconds: 41 });
  });

  it('alike machines of several requests share a call, and others do not', () => {
    const at = (atSeconds: number, likeness: string) => alike(1, { atSeconds, likeness });
    const few = { ...EC2, calls: { perSecond: 1, burst: 1 } };
    const same = Array.from({ length: 10 }, (_, n) => at(n / 100, 'web'));
    const apart = Array.from({ length: 10 }, (_, n) => at(n / 100, `web-${n}`));
    expect(meteredSchedule(same, few)).toMatchObject({ calls: 2, lastAcceptedSeconds: 1 });
    expect(meteredSchedule(apart, few)).toMatchObject({ calls: 10, lastAcceptedSeconds: 9 });
  });

  it('the wait of each request is counted from its own time', () => {
    const few = { ...EC2, calls: { perSecond: 1, burst: 1 } };
    const { acceptedSeconds } = meteredSchedule(
      [alike(1, { atSeconds: 5 }), alike(1, { atSeconds: 0 }), alike(1, { atSeconds: 0.25 })],
      few,
    );
    expect(acceptedSeconds).toEqual([0, 0, 0.75]);
  });

  it('no call has more machines than the meter of machines holds at that time', () => {
    const scarce = { ...EC2, machines: { perSecond: 1, burst: 3 } };
    expect(meteredSchedule([alike(6)], scarce)).toMatchObject({ calls: 4, lastAcceptedSeconds: 3 });
  });
});
