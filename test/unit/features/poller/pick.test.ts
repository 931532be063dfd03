import { describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { UNCLAIMED_SLOT_MS } from '../../../../functions/features/poller/abandoned-slots.ts';
import { machinesById } from '../../../../functions/features/poller/compare.ts';
import { pick } from '../../../../functions/features/poller/pick.ts';
import type { Snapshot } from '../../../../functions/features/poller/snapshot.ts';
import type { SiteEntry } from '../../../../functions/platform/store/instances.ts';

/** A time in ms, half a minute after the start of a minute. */
const NOW = 1_000_050_000;
const idOf = (index: number) => `f0123456789abcdef-0000${index}`;
const [ONE, TWO, THREE] = [idOf(1), idOf(2), idOf(3)];

const entry = (siteSk: string, status: SiteEntry['status'], backendId?: string): SiteEntry => ({
  siteSk,
  status,
  launchToken: `${siteSk}.1`,
  ...(backendId === undefined ? {} : { backendId }),
});
const machine = (instanceId: string, status: CloudInstance['status'], backendId = 'i-1'): CloudInstance => ({
  backendId,
  instanceId,
  status,
});
function picked(
  snapshot: Partial<Snapshot>,
  holders: Record<string, number> = {},
  fullAtMs: number = NOW,
): ReturnType<typeof pick> {
  const whole = { entries: [], seen: [], seenAtMs: NOW, isFull: true, ...snapshot };
  return pick(whole, machinesById(whole.seen, whole.entries), holders, fullAtMs);
}

describe('pick', () => {
  it('a poll re-reads no record whose index entry agrees with the cloud', () => {
    const entries = [
      entry(ONE, 'Running', 'i-1'),
      entry(TWO, 'Creating', 'i-2'),
      entry(THREE, 'Undefined', 'i-3'),
    ];
    const seen = [machine(ONE, 'Running'), machine(TWO, 'Creating', 'i-2'), machine(THREE, 'Failed', 'i-3')];
    expect(picked({ entries, seen }).rereadIds).toEqual([]);
  });

  it.each([
    ['shows another status', [machine(ONE, 'Suspended')]],
    ['shows only another machine of the instance', [machine(ONE, 'Running', 'i-9')]],
    ['does not show the machine', []],
  ])('a poll re-reads a record if the list %s', (_, seen) => {
    expect(picked({ entries: [entry(ONE, 'Running', 'i-1')], seen }).rereadIds).toEqual([ONE]);
  });

  it('a poll re-reads a record without a machine if the list shows a machine with the record’s launch token', () => {
    const seen = [{ ...machine(ONE, 'Creating'), launchToken: `${ONE}.1` }];
    expect(picked({ entries: [entry(ONE, 'Creating')], seen }).rereadIds).toEqual([ONE]);
  });

  it('a poll that asks the cloud about some instances does not re-read the records of other instances', () => {
    const entries = [entry(ONE, 'Running', 'i-1'), entry(TWO, 'Running', 'i-2')];
    const asked = new Set([TWO]);
    expect(picked({ entries, asked, isFull: false }).rereadIds).toEqual([TWO]);
  });

  it('a full poll re-reads each record in Creating once a minute to check its deadline; a partial poll does not', () => {
    const entries = [entry(ONE, 'Creating', 'i-1'), entry(TWO, 'Running', 'i-2')];
    const seen = [machine(ONE, 'Creating'), machine(TWO, 'Running', 'i-2')];
    expect(picked({ entries, seen }, {}, NOW - 10_000).rereadIds).toEqual([]);
    expect(picked({ entries, seen }, {}, NOW - 60_000)).toMatchObject({
      rereadIds: [ONE],
      withDeadlines: true,
    });
    const partial = { entries, seen, isFull: false };
    expect(picked(partial, {}, NOW - 60_000)).toMatchObject({ rereadIds: [], withDeadlines: false });
  });

  it('each poll re-reads every record in Creating while the list call fails', () => {
    const entries = [entry(ONE, 'Creating', 'i-1')];
    const seen = [machine(ONE, 'Creating')];
    expect(picked({ entries, seen, isFull: false, isListless: true }).rereadIds).toEqual([ONE]);
  });

  it('a slot holder is stale if it has no index entry in Creating', () => {
    const entries = [entry(ONE, 'Running', 'i-1'), entry(TWO, 'Creating', 'i-2')];
    const holders = { [ONE]: NOW - 1, [TWO]: NOW - 1, [THREE]: NOW - 1 };
    expect(Object.keys(picked({ entries }, holders).staleHolders)).toEqual([ONE, THREE]);
  });

  it('a slot holder in Creating is stale only if it still has no machine over two minutes after its permit', () => {
    const entries = [entry(ONE, 'Creating'), entry(TWO, 'Creating'), entry(THREE, 'Creating', 'i-3')];
    const late = NOW - UNCLAIMED_SLOT_MS - 1;
    const { staleHolders, pending } = picked({ entries }, { [ONE]: late, [TWO]: late + 1, [THREE]: late });
    expect(Object.keys(staleHolders)).toEqual([ONE]);
    expect(Object.keys(pending)).toEqual([ONE, TWO]);
  });
});
