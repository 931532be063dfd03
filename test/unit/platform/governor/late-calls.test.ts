import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Bucket } from '../../../../functions/model/rate.ts';
import { decideCreates } from '../../../../functions/platform/governor/decide-creates.ts';
import { leavesLate, recountCalls } from '../../../../functions/platform/governor/rate.ts';
import type { SiteState } from '../../../../functions/platform/governor/site-state.ts';
import { tokenBucket } from './token-bucket.ts';
import { limits, NOON, site, want } from './wanted.ts';

interface Ask {
  atMs: number;
  ids: string[];
}

/**
 * Delays in ms from the start time that the governor gave a launch to the launch's next request to the governor. Each
 * call of `decideCreates` uses the next delay. After the last delay, the first delay is used again.
 */
type Lateness = readonly number[];

/**
 * Runs launches until each launch has called the cloud. A launch asks the governor, and calls the cloud if the governor
 * allows the call. If the governor gives the launch a start time, the launch asks again after this time and a delay.
 *
 * @returns `taken`: number of calls that the cloud accepted; `refused`: number of calls that the cloud refused
 */
function launch(
  rateLimit: Bucket,
  asks: readonly Ask[],
  lateness: Lateness,
): { taken: number; refused: number } {
  const allowed = limits({ concurrentInstancesPerLocation: 1_000, calls: { create: rateLimit } });
  const admits = tokenBucket(rateLimit);
  let state: SiteState = site();
  let [taken, refused, answers] = [0, 0, 0];
  const due = [...asks];
  for (;;) {
    const next = due.sort((one, other) => one.atMs - other.atMs).shift();
    if (!next) return { taken, refused };
    const decided = decideCreates(
      state,
      allowed,
      next.atMs,
      next.ids.map((id) => want(id)),
    );
    state = decided.state ?? state;
    answers += 1;
    const lateMs = lateness[answers % lateness.length] ?? 0;
    for (const [id, decision] of decided.decisions) {
      if (decision.action === 'scheduleAt')
        due.push({ atMs: Math.ceil(decision.startMs + lateMs), ids: [id] });
      // This test has no launch queue. Instead, the launch asks again after ten seconds.
      else if (decision.action === 'queue') due.push({ atMs: next.atMs + 10_000, ids: [id] });
      else if (admits(next.atMs)) taken += 1;
      else refused += 1;
    }
  }
}

it('every launch calls the cloud and the cloud refuses no call, even if launches are late', () => {
  const ask = fc.record({
    afterMs: fc.nat(15_000),
    count: fc.integer({ min: 1, max: 10 }),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(ask, { maxLength: 15 }),
      fc.array(fc.nat(12_000), { minLength: 1, maxLength: 20 }),
      (perSecond, bursts, wanted, lateness) => {
        const asks = wanted.map(({ afterMs, count }, at) => ({
          atMs: NOON + afterMs,
          ids: Array.from({ length: count }, (_, one) => `i${at * 10 + one}`),
        }));
        const rateLimit = { perSecond, burst: Math.max(2, perSecond * bursts) };
        const all = wanted.reduce((sum, { count }) => sum + count, 0);
        expect(launch(rateLimit, asks, lateness)).toEqual({ taken: all, refused: 0 });
      },
    ),
    { numRuns: 300 },
  );
});

/** A batch of calls that the governor counted together, and which leave `lateMs` later. */
interface Batch {
  atMs: number;
  count: number;
  lateMs: number;
}

/**
 * Runs batches of launches. The calls of a batch leave late. Before they leave, the worker has them counted again, and
 * repeats that until all calls have left.
 *
 * @returns the number of calls that the cloud refused, and the longest time in ms that a late call waited
 */
function leave(rateLimit: Bucket, batches: readonly Batch[]): { refused: number; waitedMs: number } {
  const allowed = limits({ concurrentInstancesPerLocation: 1_000, calls: { create: rateLimit } });
  let state: SiteState = site();
  let waitedMs = 0;
  const left: number[] = [];
  const due: (() => void)[] = [];
  const times: number[] = [];
  const at = (atMs: number, act: () => void) => {
    const place = times.findIndex((other) => other > atMs);
    const index = place < 0 ? times.length : place;
    times.splice(index, 0, atMs);
    due.splice(index, 0, act);
  };
  const go = (nowMs: number, late: { count: number; countedAtMs: number }, sinceMs: number) => {
    if (!leavesLate(late.countedAtMs, nowMs)) {
      left.push(...Array.from({ length: late.count }, () => nowMs));
      return;
    }
    const { sent, state: next } = recountCalls(state, rateLimit, nowMs, late);
    if (sent > 0) state = { ...next, holders: state.holders };
    waitedMs = Math.max(waitedMs, nowMs - sinceMs);
    left.push(...Array.from({ length: sent }, () => nowMs));
    const count = late.count - sent;
    if (count > 0) at(nowMs + 200, () => go(nowMs + 200, { ...late, count }, sinceMs));
  };
  const launchAll = (nowMs: number, ids: readonly string[], lateMs: number) => {
    const decided = decideCreates(
      state,
      allowed,
      nowMs,
      ids.map((id) => want(id)),
    );
    state = decided.state ?? state;
    const answers = [...decided.decisions];
    const count = answers.filter(([, { action }]) => action === 'allow').length;
    if (count > 0)
      at(nowMs + lateMs, () => go(nowMs + lateMs, { count, countedAtMs: nowMs }, nowMs + lateMs));
    for (const [id, decision] of answers) {
      if (decision.action === 'allow') continue;
      const againMs = decision.action === 'scheduleAt' ? Math.ceil(decision.startMs) : nowMs + 10_000;
      at(againMs, () => launchAll(againMs, [id], lateMs));
    }
  };
  for (const [number, { atMs, count, lateMs }] of batches.entries()) {
    const ids = Array.from({ length: count }, (_, one) => `i${number}-${one}`);
    at(atMs, () => launchAll(atMs, ids, lateMs));
  }
  for (let act = due.shift(); act; act = due.shift()) {
    times.shift();
    act();
  }
  const admits = tokenBucket(rateLimit);
  return { refused: left.sort((one, other) => one - other).filter((atMs) => !admits(atMs)).length, waitedMs };
}

it('the cloud refuses no call that leaves long after the governor counted it', () => {
  const batch = fc.record({
    atMs: fc.nat(15_000).map((afterMs) => NOON + afterMs),
    count: fc.integer({ min: 1, max: 10 }),
    lateMs: fc.nat(3_000),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(batch, { maxLength: 15 }),
      (perSecond, bursts, batches) => {
        const rateLimit = { perSecond, burst: Math.max(2, perSecond * bursts) };
        expect(leave(rateLimit, batches).refused).toBe(0);
      },
    ),
    { numRuns: 1_000 },
  );
});

it('late calls leave immediately if no other calls were counted since', () => {
  const rateLimit = { perSecond: 2, burst: 10 };
  const batches = [{ atMs: NOON, count: 8, lateMs: 3_000 }];
  expect(leave(rateLimit, batches)).toEqual({ refused: 0, waitedMs: 0 });
});
