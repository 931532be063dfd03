import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Aim,
  hasFailed,
  isDecided,
  statusWhenRefined,
  verdictOf,
} from '../../../../functions/features/fleets/verdict.ts';
import { FAILURE_POLICIES } from '../../../../functions/model/fleet-request.ts';

interface Group {
  name: string;
  size: number;
  minimumInstances?: number;
  running: number;
  lost: number;
}

interface Fleet {
  failurePolicy: Aim['failurePolicy'];
  minimumInstances?: number;
  groups: Group[];
}

const aimOf = ({ failurePolicy, minimumInstances, groups }: Fleet): Aim => ({
  failurePolicy,
  requested: groups.reduce((sum, { size }) => sum + size, 0),
  minimumInstances,
  nodeGroups: groups.map(({ name, size, minimumInstances: least }) => ({
    name,
    size,
    ...(least === undefined ? {} : { minimumInstances: least }),
  })),
});

/** Returns the counters of two placements. Each placement has half of the instances of each group. */
function tallies({ groups }: Fleet, round = 1) {
  const part = (share: (count: number) => number) => ({
    counts: { Running: groups.reduce((sum, { running }) => sum + share(running), 0) },
    groups: Object.fromEntries(
      groups.map(({ name, running, lost }) => [
        name,
        { Running: share(running), [`lost${round}`]: share(lost) },
      ]),
    ),
  });
  return [part((count) => Math.ceil(count / 2)), part((count) => Math.floor(count / 2))];
}

const one = (size: number, running: number, lost: number, minimumInstances?: number): Group => ({
  name: 'web',
  size,
  running,
  lost,
  ...(minimumInstances === undefined ? {} : { minimumInstances }),
});

const groupArb = (name: string) =>
  fc
    .record({ size: fc.integer({ min: 1, max: 20 }), at: fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)) })
    .chain(({ size, at: [running, lost, least] }) =>
      fc.boolean().map((hasMinimum): Group => {
        const runs = Math.min(running, size);
        return {
          name,
          size,
          running: runs,
          lost: Math.min(lost, size - runs),
          ...(hasMinimum ? { minimumInstances: Math.min(least, size) } : {}),
        };
      }),
    );

const fleetArb = fc
  .record({
    failurePolicy: fc.constantFrom(...FAILURE_POLICIES),
    groups: fc.tuple(groupArb('web'), groupArb('db'), groupArb('cache')),
    least: fc.option(fc.nat(60), { nil: undefined }),
  })
  .map(({ least, ...rest }): Fleet => {
    const requested = rest.groups.reduce((sum, { size }) => sum + size, 0);
    return least === undefined ? rest : { ...rest, minimumInstances: Math.min(least, requested) };
  });

const check = (property: (fleet: Fleet) => void) =>
  fc.assert(fc.property(fleetArb, property), { numRuns: 500 });

/**
 * Returns true if the fleet misses a minimum, by the rule of the failure policies. Does not call the code under test.
 *
 * @param standing returns how many instances of a group count as running
 */
function failsBy({ minimumInstances, groups }: Fleet, standing: (group: Group) => number): boolean {
  const all = groups.reduce((sum, group) => sum + standing(group), 0);
  if (minimumInstances !== undefined && all < minimumInstances) return true;
  return groups.some((group) => {
    if (group.minimumInstances !== undefined) return standing(group) < group.minimumInstances;
    return minimumInstances === undefined && standing(group) < group.size;
  });
}

describe('hasFailed', () => {
  it.each([
    ['a fleet that lost no instance has not failed', one(4, 0, 0), undefined, false],
    ['a fleet without a minimum has failed when it lost one instance', one(4, 3, 1), undefined, true],
    ['a fleet that lost one instance has not failed while it can reach its minimum', one(4, 0, 1), 3, false],
    ['a fleet has failed when it can no longer reach its minimum', one(4, 0, 2), 3, true],
    ['a fleet with a minimum of zero has not failed when all instances are lost', one(4, 0, 4), 0, false],
    [
      'a fleet has not failed while its group can reach the group’s minimum',
      one(4, 0, 1, 3),
      undefined,
      false,
    ],
    [
      'a fleet has failed when its group can no longer reach the group’s minimum',
      one(4, 0, 2, 3),
      undefined,
      true,
    ],
    [
      'a fleet that can reach its own minimum has failed when its group cannot reach the group’s minimum',
      one(4, 0, 2, 3),
      1,
      true,
    ],
  ])('%s', (_, group, minimumInstances, expected) => {
    const fleet: Fleet = {
      failurePolicy: 'rollback',
      groups: [group],
      ...(minimumInstances === undefined ? {} : { minimumInstances }),
    };
    expect(hasFailed(aimOf(fleet), tallies(fleet), 1)).toBe(expected);
  });

  it('a fleet has failed when a group without a minimum lost an instance, even if another group has a minimum', () => {
    const fleet: Fleet = {
      failurePolicy: 'rollback',
      groups: [one(4, 0, 1, 2), { name: 'db', size: 2, running: 0, lost: 0 }],
    };
    expect(hasFailed(aimOf(fleet), tallies(fleet), 1)).toBe(false);
    const lost = { ...fleet, groups: [one(4, 0, 0, 2), { name: 'db', size: 2, running: 0, lost: 1 }] };
    expect(hasFailed(aimOf(lost), tallies(lost), 1)).toBe(true);
  });

  it('hasFailed counts only the instances that were lost in the given round', () => {
    const fleet: Fleet = { failurePolicy: 'rollback', groups: [one(4, 0, 4)] };
    expect(hasFailed(aimOf(fleet), tallies(fleet, 1), 2)).toBe(false);
    expect(hasFailed(aimOf(fleet), tallies(fleet, 2), 2)).toBe(true);
  });

  it('hasFailed agrees with the rule of the failure policies', () => {
    check((fleet) => {
      const standing = ({ size, lost }: Group) => size - lost;
      expect(hasFailed(aimOf(fleet), tallies(fleet), 1)).toBe(failsBy(fleet, standing));
    });
  });
});

describe('isDecided', () => {
  it('isDecided stays true when more instances are lost', () => {
    check((fleet) => {
      const before = isDecided(aimOf(fleet), tallies(fleet), 1);
      for (const { name } of fleet.groups) {
        const groups = fleet.groups.map((group) => {
          const more = group.name === name && group.running + group.lost < group.size ? 1 : 0;
          return { ...group, lost: group.lost + more };
        });
        const after = isDecided(aimOf(fleet), tallies({ ...fleet, groups }), 1);
        expect(before && !after).toBe(false);
      }
    });
  });

  it('isDecided does not depend on the number of running instances', () => {
    check((fleet) => {
      const groups = fleet.groups.map((group) => ({ ...group, running: 0 }));
      expect(isDecided(aimOf(fleet), tallies({ ...fleet, groups }), 1)).toBe(
        isDecided(aimOf(fleet), tallies(fleet), 1),
      );
    });
  });

  it.each(['continue', 'refine'] as const)(
    'under the failure policy %s, isDecided is true only if a minimum is out of reach',
    (failurePolicy) => {
      const fleet: Fleet = { failurePolicy, groups: [one(4, 0, 3)] };
      expect(isDecided(aimOf(fleet), tallies(fleet), 1)).toBe(false);
      expect(isDecided(aimOf({ ...fleet, minimumInstances: 2 }), tallies(fleet), 1)).toBe(true);
      const grouped: Fleet = { failurePolicy, groups: [one(4, 0, 3, 2)] };
      expect(isDecided(aimOf(grouped), tallies(grouped), 1)).toBe(true);
    },
  );

  it('once isDecided is true, no further running instance can change the verdict', () => {
    check((fleet) => {
      if (!isDecided(aimOf(fleet), tallies(fleet), 1)) return;
      const best = {
        ...fleet,
        groups: fleet.groups.map((group) => ({ ...group, running: group.size - group.lost })),
      };
      const [now, then] = [fleet, best].map((one) => verdictOf(aimOf(one), tallies(one), false));
      expect(now?.next).toBe(then?.next);
      if (now?.next === 'none' && then?.next === 'none')
        expect([now.status, then.status]).toEqual(['Failed', 'Failed']);
      if (now?.next === 'refine') expect(statusWhenRefined(aimOf(best), tallies(best))).toBe('Failed');
    });
  });
});

describe('verdictOf', () => {
  const settle = (fleet: Fleet, aborted = false) => verdictOf(aimOf(fleet), tallies(fleet), aborted);

  it.each(FAILURE_POLICIES)(
    'under the failure policy %s, a fleet is Running when all its instances run',
    (failurePolicy) => {
      expect(settle({ failurePolicy, groups: [one(4, 4, 0)] })).toEqual({ status: 'Running', next: 'none' });
    },
  );

  it.each([
    [3, undefined, undefined, 'PartiallyRunning'],
    [0, undefined, undefined, 'Failed'],
    [3, 3, undefined, 'PartiallyRunning'],
    [2, 3, undefined, 'Failed'],
    [2, undefined, 3, 'Failed'],
    [0, 0, undefined, 'Failed'],
  ])(
    'under the failure policy `continue`, with %i of 4 instances running, minimum %s and group minimum %s, a fleet is %s',
    (running, least, ofGroup, status) => {
      const fleet: Fleet = {
        failurePolicy: 'continue',
        groups: [one(4, running, 4 - running, ofGroup)],
        ...(least === undefined ? {} : { minimumInstances: least }),
      };
      expect(settle(fleet)).toEqual({ status, next: 'none' });
      expect(settle(fleet, true)).toEqual({ status, next: 'none' });
    },
  );

  it.each([
    [3, undefined, 'rollback'],
    [3, 3, 'none'],
    [2, 3, 'rollback'],
  ])(
    'under the failure policy `rollback`, with %i of 4 instances running and minimum %s, `next` is %s',
    (running, least, next) => {
      const fleet: Fleet = {
        failurePolicy: 'rollback',
        groups: [one(4, running, 4 - running)],
        ...(least === undefined ? {} : { minimumInstances: least }),
      };
      expect(settle(fleet).next).toBe(next);
      expect(settle(fleet, true)).toEqual({ next: 'rollback' });
    },
  );

  it.each([
    [3, undefined, 'Running'],
    [0, undefined, 'Failed'],
    [3, 3, 'Running'],
    [2, 3, 'Failed'],
  ])(
    'under the failure policy `refine`, with %i of 4 instances running and minimum %s, a fleet is refined and becomes %s',
    (running, least, status) => {
      const fleet: Fleet = {
        failurePolicy: 'refine',
        groups: [one(4, running, 4 - running)],
        ...(least === undefined ? {} : { minimumInstances: least }),
      };
      expect(settle(fleet)).toEqual({ next: 'refine' });
      expect(statusWhenRefined(aimOf(fleet), tallies(fleet))).toBe(status);
    },
  );

  it('verdictOf treats an instance that was never launched like an instance that failed', () => {
    check((fleet) => {
      const groups = fleet.groups.map((group) => ({ ...group, lost: 0 }));
      expect(settle({ ...fleet, groups })).toEqual(settle(fleet));
    });
  });

  it('verdictOf and statusWhenRefined agree with the rule of the failure policies', () => {
    check((fleet) => {
      const { failurePolicy, groups, minimumInstances = 0 } = fleet;
      const running = groups.reduce((sum, group) => sum + group.running, 0);
      const whole = groups.every((group) => group.running === group.size);
      const failed = failsBy(fleet, (group) => group.running);
      const belowMinimum =
        running < minimumInstances ||
        running === 0 ||
        groups.some((group) => group.running < (group.minimumInstances ?? 0));
      const verdict = settle(fleet);
      if (whole) expect(verdict).toEqual({ status: 'Running', next: 'none' });
      else if (failurePolicy === 'refine') expect(verdict).toEqual({ next: 'refine' });
      else if (failurePolicy === 'rollback' && failed) expect(verdict).toEqual({ next: 'rollback' });
      else expect(verdict).toEqual({ status: belowMinimum ? 'Failed' : 'PartiallyRunning', next: 'none' });
      expect(statusWhenRefined(aimOf(fleet), tallies(fleet))).toBe(belowMinimum ? 'Failed' : 'Running');
    });
  });
});
