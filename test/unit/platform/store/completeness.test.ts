import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INSTANCE_STATUSES, isClosed } from '../../../../functions/model/status.ts';
import { isComplete, isCompleteBy } from '../../../../functions/platform/store/completeness.ts';
import {
  type CounterChange,
  countInstance,
  countRequested,
  countStep,
  noChange,
} from '../../../../functions/platform/store/counters.ts';
import type { InstanceItem } from '../../../../functions/platform/store/instances.ts';
import type { PlacementItem } from '../../../../functions/platform/store/placements.ts';
import { record } from '../../../samples/records.ts';

type Tally = Pick<PlacementItem, 'launching' | 'round' | 'requested' | 'counts' | 'groups' | 'countsRounds'>;

const open = { launching: 'on', round: 1, requested: 1, counts: {}, groups: {}, countsRounds: true } as const;

/** Returns the counters of a placement after these changes. */
function counted(changes: CounterChange, of: Partial<Tally> = {}): Tally {
  const tally: Tally = { ...open, ...of, counts: {}, groups: {} };
  for (const { path, by } of changes.add.values()) {
    const [root, group, counter] = path;
    if (root === 'requested') tally.requested += by;
    if (root === 'counts') Object.assign(tally.counts, { [String(group)]: by });
    if (root === 'groups' && group && counter)
      tally.groups[group] = { ...tally.groups[group], [counter]: by };
  }
  return tally;
}

function tallyOf(records: readonly InstanceItem[], of: Partial<Tally> = {}): Tally {
  const changes = noChange();
  for (const one of records) countInstance(changes, one, 1);
  return counted(changes, of);
}

describe('a placement where launching is on', () => {
  it.each([
    ['an instance that was never claimed', [], false],
    ['an instance in Creating', [record()], false],
    ['an instance that waits for its next attempt', [record({ status: 'Planned' })], false],
    ['an instance that is about to move', [record({ status: 'Terminating', closeAs: 'Planned' })], false],
    ['an instance that runs', [record({ status: 'Running' })], true],
    ['an instance that a user stopped', [record({ status: 'Suspended' })], true],
    ['an instance that ran and is Undefined', [record({ status: 'Undefined' })], true],
    ['an instance that failed', [record({ status: 'Failed' })], true],
    [
      'a failed instance whose machine is being removed',
      [record({ status: 'Terminating', closeAs: 'Failed' })],
      true,
    ],
    ['an instance that is being removed', [record({ status: 'Terminating' })], true],
  ])('a placement with %s is complete: %2$s', (_, records, expected) => {
    expect(isComplete(tallyOf(records))).toBe(expected);
    expect(isCompleteBy(open, records)).toBe(expected);
  });

  it.each([
    ['Failed', { status: 'Failed' }],
    ['Terminated', { status: 'Terminated' }],
    ['Terminating with a failure', { status: 'Terminating', closeAs: 'Failed' }],
    ['Terminating', { status: 'Terminating' }],
  ] as const)('an instance that an earlier round left %s is still to be launched', (_, fields) => {
    const later = { ...open, round: 2 } as const;
    const left = [record(fields)];
    expect(isComplete(tallyOf(left, later))).toBe(false);
    expect(isCompleteBy(later, left)).toBe(false);
    const again = [record({ ...fields, round: 2 })];
    expect(isComplete(tallyOf(again, later))).toBe(true);
  });

  it('an instance that runs since an earlier round needs no launch in this one', () => {
    const later = { ...open, round: 2 } as const;
    expect(isComplete(tallyOf([record({ status: 'Running' })], later))).toBe(true);
  });
});

describe('a placement where launching is not on', () => {
  it.each(['paused', 'ended'] as const)(
    'a placement where launching is %s waits for open attempts alone',
    (launching) => {
      const of = (...records: InstanceItem[]) => isComplete(tallyOf(records, { launching }));
      expect(of()).toBe(true);
      expect(of(record({ status: 'Planned' }))).toBe(true);
      expect(of(record({ status: 'Failed', round: 0 }))).toBe(true);
      expect(of(record())).toBe(false);
      expect(of(record({ status: 'Terminating', closeAs: 'Planned' }))).toBe(false);
    },
  );
});

it('the counters of a placement of an earlier release do not tell whether it is complete', () => {
  const { countsRounds: _, ...earlier } = tallyOf([record({ status: 'Running' })]);
  expect(isComplete(earlier)).toBeUndefined();
});

it('through any changes and moves, the counters and the records agree on whether a placement is complete', () => {
  const stage = fc.record({
    status: fc.constantFrom(...INSTANCE_STATUSES),
    closeAs: fc.constantFrom('Terminated', 'Failed', 'Planned', undefined),
    moves: fc.boolean(),
    round: fc.integer({ min: 1, max: 3 }),
  });
  const launching = fc.constantFrom('on', 'paused', 'ended');
  fc.assert(
    fc.property(fc.array(stage, { minLength: 1, maxLength: 12 }), launching, (stages, gate) => {
      const [here, there] = [noChange(), noChange()];
      countRequested(here, 1);
      let at = here;
      let before: InstanceItem | undefined;
      for (const { status, closeAs, moves, round } of stages) {
        const isClaimed = !before || isClosed(before.status);
        const after = record({
          status,
          round: isClaimed ? Math.max(round, before?.round ?? 1) : (before?.round ?? 1),
          ...(closeAs === undefined ? {} : { closeAs }),
        });
        countStep(at, { after, ...(before ? { before } : {}) }, 0);
        before = after;
        if (!moves || status === 'Planned') continue;
        const to = at === here ? there : here;
        const planned = record({ status: 'Planned', round: after.round });
        countInstance(at, after, -1);
        countRequested(at, -1);
        countInstance(to, planned, 1);
        countRequested(to, 1);
        [at, before] = [to, planned];
      }
      const records = before ? [before] : [];
      for (const round of [1, 2, 3]) {
        const of = { launching: gate, round, requested: 0 } as const;
        const [ours, theirs] = at === here ? [here, there] : [there, here];
        expect(isComplete(counted(ours, of))).toBe(isCompleteBy({ ...of, requested: 1 }, records));
        expect(isComplete(counted(theirs, of))).toBe(true);
      }
    }),
  );
});
