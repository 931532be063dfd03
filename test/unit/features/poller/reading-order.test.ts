import { describe, expect, it } from 'vitest';
import { type Read, readingOrder } from '../../../../functions/features/poller/reading-order.ts';
import type { InstanceStatus } from '../../../../functions/model/status.ts';
import type { SiteEntry } from '../../../../functions/platform/store/instances.ts';

const NOW_MS = 1_000_000;
const LEAD_MS = 5_000;

const entry = (siteSk: string, status: InstanceStatus = 'Creating'): SiteEntry => ({
  siteSk,
  status,
  launchToken: `${siteSk}.1`,
  backendId: `machine-${siteSk}`,
});
const named = (prefix: string, count: number, status: InstanceStatus): SiteEntry[] =>
  Array.from({ length: count }, (_, at) => entry(`${prefix}${String(at).padStart(3, '0')}`, status));

/** @param agesMs time since the create call of each instance that holds a slot, in ms */
function reads(
  entries: readonly SiteEntry[],
  cursors: Parameters<typeof readingOrder>[1] = {},
  agesMs: Readonly<Record<string, number>> = {},
): Read[] {
  const startsMs = Object.fromEntries(Object.entries(agesMs).map(([id, ageMs]) => [id, NOW_MS - ageMs]));
  return readingOrder(entries, cursors, { startsMs, leadMs: LEAD_MS, nowMs: NOW_MS });
}
const order = (...of: Parameters<typeof reads>): string[] =>
  reads(...of).map(({ entry: { siteSk } }) => siteSk);

describe('readingOrder', () => {
  it('a machine is read first from one usual interval before the shortest boot time of the site on', () => {
    const entries = [entry('a'), entry('b'), entry('c', 'Running'), entry('d')];
    const agesMs = { a: 24_999, b: 25_000, d: 40_000 };
    expect(order(entries, { fastestMs: 30_000 }, agesMs)).toEqual(['b', 'd', 'a', 'c']);
  });

  it('of the machines that cannot be expected to run, a poll reads the five oldest', () => {
    const entries = named('m', 20, 'Creating');
    const agesMs = Object.fromEntries(entries.map(({ siteSk }, at) => [siteSk, 1_000 + 100 * at]));
    expect(order(entries, { fastestMs: 30_000 }, agesMs)).toEqual(['m019', 'm018', 'm017', 'm016', 'm015']);
  });

  it('machines are read in their turn if no boot was measured, or if their instances hold no slot', () => {
    expect(order([entry('a'), entry('b')], {}, { a: 1_000, b: 2_000 })).toEqual(['a', 'b']);
    const entries = [entry('a'), entry('b')];
    expect(order(entries, { fastestMs: 30_000 }, { a: 1_000 })).toEqual(['b', 'a']);
  });

  it('a machine that is being removed or started is read in its turn, whatever its create call', () => {
    const entries = [entry('a', 'Terminating'), entry('b', 'Resuming')];
    expect(order(entries, { fastestMs: 30_000 }, { a: 1_000, b: 1_000 })).toEqual(['a', 'b']);
  });

  it('a poll reads five machines at rest while an instance without a known machine is in transition', () => {
    const { backendId: _unknown, ...unknown } = entry('a');
    expect(order([unknown, ...named('r', 50, 'Running')])).toEqual(['r000', 'r001', 'r002', 'r003', 'r004']);
    expect(order(named('r', 50, 'Running'))).toHaveLength(40);
  });

  it('machines in transition and machines at rest are each read in turn over several polls', () => {
    const entries = [...named('a', 12, 'Running'), entry('b'), ...named('m', 100, 'Suspending')];
    const read = new Set<string>();
    const cursors: { askedUpTo?: string; askedUpToAtRest?: string; fastestMs: number } = {
      fastestMs: 30_000,
    };
    for (let poll = 0; poll < 3; poll += 1) {
      for (const { entry: one, cursor } of reads(entries, cursors, { b: 1_000 })) {
        if (cursor) cursors[cursor] = one.siteSk;
        read.add(one.siteSk);
      }
    }
    expect([...read].toSorted()).toEqual(entries.map(({ siteSk }) => siteSk).toSorted());
  });

  it('machines whose reads are deferred come after the others, the one that was deferred first before the rest', () => {
    const deferredReads = { a: NOW_MS - 1_000, b: NOW_MS - 9_000 };
    expect(order([entry('a'), entry('b'), entry('c')], { deferredReads })).toEqual(['c', 'b', 'a']);
  });
});
