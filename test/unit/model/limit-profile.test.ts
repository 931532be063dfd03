import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CLOUDS } from '../../../functions/model/cloud.ts';
import { connectionRequestSchema, connectionSchema } from '../../../functions/model/connection.ts';
import { contradictionsOf } from '../../../functions/model/limit-contradictions.ts';
import { limitOverrideSchema, limitProfileSchema } from '../../../functions/model/limit-profile.ts';
import {
  DEFAULT_LIMIT_PROFILES,
  POWER_LIMIT_PROFILES,
  REQUEST_MORE,
} from '../../../functions/model/limit-tiers.ts';
import { limitProfileOf } from '../../../functions/model/limits-in-force.ts';
import { isWindow, perSecondOf, type Rate } from '../../../functions/model/rate.ts';

const connection = { name: 'here', driver: 'sim', cloud: 'aws', credential: { account: 'a' } };

/** Returns the path and the code of each issue. For an unknown field, the code is `unknown`. */
function issuesOf(limits: unknown): string[] {
  const issues = limitOverrideSchema.safeParse(limits).error?.issues ?? [];
  return issues
    .flatMap((issue) => {
      const at = `/${issue.path.join('/')}`;
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${at}/${key} unknown`);
      return [`${at} ${issue.code === 'custom' ? String(issue.params?.['code']) : issue.code}`];
    })
    .toSorted();
}

const override = fc
  .record(
    {
      tier: fc.constantFrom('default', 'power'),
      concurrentLocations: fc.integer({ min: 1, max: 1_000 }),
      concurrentInstancesPerLocation: fc.integer({ min: 1, max: 1_000 }),
      calls: fc.record({ create: fc.record({ perSecond: between(0.001, 100), burst: between(1, 500) }) }),
      pacing: fc.constantFrom('burst', 'even', 'all-at-once'),
      createsPerMinute: fc.integer({ min: 1, max: 200 }),
      createsPerDay: fc.integer({ min: 1, max: 2_000 }),
      minimumSpacingMs: fc.integer({ min: 1, max: 100_000 }),
      totals: fc.record({ instances: fc.integer({ min: 1, max: 50 }) }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  )
  .map((fields) => limitOverrideSchema.safeParse(fields).data)
  .filter((fields) => fields !== undefined);

function between(min: number, max: number) {
  return fc.double({ min, max, noNaN: true });
}

describe('a limit override', () => {
  it.each<[string, unknown, string[]]>([
    ['zero location slots', { concurrentLocations: 0 }, ['/concurrentLocations too_small']],
    [
      'a negative rate',
      { calls: { list: { perSecond: -1, burst: 1 } } },
      ['/calls/list/perSecond too_small'],
    ],
    ['a rate without a burst', { calls: { list: { perSecond: 1 } } }, ['/calls/list/burst missing']],
    [
      'a rate with a text',
      { calls: { list: { perSecond: '1', burst: 1 } } },
      ['/calls/list/perSecond invalid_type'],
    ],
    ['zero creates a minute', { createsPerMinute: 0 }, ['/createsPerMinute too_small']],
    ['zero creates a day', { createsPerDay: 0 }, ['/createsPerDay too_small']],
    ['a minimum spacing of zero', { minimumSpacingMs: 0 }, ['/minimumSpacingMs too_small']],
    [
      'totals of zero',
      { totals: { instances: 0, vcpus: 0, gpus: 0, memoryGb: 0 } },
      [
        '/totals/gpus too_small',
        '/totals/instances too_small',
        '/totals/memoryGb too_small',
        '/totals/vcpus too_small',
      ],
    ],
    [
      'a total of half an instance',
      { totals: { instances: 0.5 } },
      ['/totals/instances invalid-type', '/totals/instances too_small'],
    ],
    ['an unknown total', { totals: { disks: 1 } }, ['/totals/disks unknown']],
    ['an unknown kind of call', { calls: { delete: { perSecond: 1, burst: 1 } } }, ['/calls/delete unknown']],
    ['an unknown field', { perHour: 2 }, ['//perHour unknown']],
    ['an unknown tier', { tier: 'super' }, ['/tier invalid_value']],
    ['an unknown pacing', { pacing: 'slow' }, ['/pacing invalid_value']],
    ['a burst below the rate', rates(9, 1), ['/calls/create/burst contradictory']],
    ['a burst of no machine', { instances: { perSecond: 0.4, burst: 0.5 } }, ['/instances/burst too_small']],
    [
      'a burst of machines below their rate',
      { instances: { perSecond: 9, burst: 1 } },
      ['/instances/burst contradictory'],
    ],
    [
      'a window shorter than a second',
      { calls: { list: { count: 5, windowSeconds: 0.5 } } },
      ['/calls/list/windowSeconds too_small'],
    ],
    ['a window without a count', { instances: { windowSeconds: 60 } }, ['/instances/count missing']],
    [
      'a rate that is a bucket and a window',
      { instances: { count: 5, windowSeconds: 60, perSecond: 1, burst: 1 } },
      ['/instances/burst contradictory', '/instances/perSecond contradictory'],
    ],
    [
      'a window above `createsPerMinute`',
      { calls: { create: { count: 100, windowSeconds: 60 } }, createsPerMinute: 99 },
      ['/calls/create/count contradictory'],
    ],
    [
      '`createsPerDay` below `createsPerMinute`',
      { createsPerMinute: 10, createsPerDay: 9 },
      ['/createsPerDay contradictory'],
    ],
    [
      'a burst above `createsPerMinute`',
      { ...rates(5, 20), createsPerMinute: 19 },
      ['/calls/create/burst contradictory'],
    ],
    [
      'a burst above `createsPerDay`',
      { ...rates(5, 20), createsPerDay: 19 },
      ['/calls/create/burst contradictory'],
    ],
    [
      'a minimum spacing that the rate does not allow',
      { ...rates(5, 20), minimumSpacingMs: 210 },
      ['/minimumSpacingMs contradictory'],
    ],
    ['a burst and even pacing', { ...rates(5, 20), pacing: 'even' }, ['/calls/create/burst contradictory']],
    [
      'all-at-once pacing, rates and a minimum spacing',
      { ...rates(5, 20), instances: { perSecond: 1, burst: 1 }, pacing: 'all-at-once', minimumSpacingMs: 1 },
      ['/calls/create contradictory', '/instances contradictory', '/minimumSpacingMs contradictory'],
    ],
    [
      'many wrong fields',
      {
        concurrentLocations: 0,
        concurrentInstancesPerLocation: 1.5,
        calls: { create: { perSecond: 2, burst: 50 }, list: { perSecond: 0, burst: 1 } },
        createsPerMinute: 10,
        createsPerDay: 5,
        totals: { instances: -1 },
      },
      [
        '/calls/create/burst contradictory',
        '/calls/create/burst contradictory',
        '/calls/list/perSecond too_small',
        '/concurrentInstancesPerLocation invalid-type',
        '/concurrentLocations too_small',
        '/createsPerDay contradictory',
        '/totals/instances too_small',
      ],
    ],
  ])('a limit override with %s has an error at each wrong field', (_what, limits, issues) => {
    expect(issuesOf(limits)).toEqual(issues);
  });

  it('the error about a burst says which rule the burst breaks', () => {
    const messageOf = (limits: unknown) => limitOverrideSchema.safeParse(limits).error?.issues[0]?.message;
    expect(messageOf(rates(2, 1))).toContain('must be at least perSecond');
  });

  it.each<[string, unknown]>([
    ['one create in half an hour', rates(1 / 1_800, 1)],
    ['a burst that lasts for minutes', { ...rates(2, 5), instances: { perSecond: 2, burst: 1_000 } }],
    ['no slots', { concurrentLocations: null, concurrentInstancesPerLocation: null }],
    ['no rate of machines', { ...rates(2, 5), instances: null }],
    ['even pacing of more than one create a second', { ...rates(5, 1), pacing: 'even' }],
    [
      'a minimum spacing that equals the rounded interval of the rate',
      { ...rates(0.1667, 1), minimumSpacingMs: 6_000 },
    ],
    [
      'a total of fewer instances than slots',
      { concurrentInstancesPerLocation: 20, totals: { instances: 5 } },
    ],
  ])('a limit override with %s is accepted', (_what, limits) => {
    expect(issuesOf(limits)).toEqual([]);
  });

  it('an error in the limits of a new connection has its path in the request body', () => {
    const issues = connectionRequestSchema.safeParse({
      ...connection,
      name: 'X',
      limits: { createsPerMinute: 10, createsPerDay: 9 },
    }).error?.issues;
    expect(issues?.map(({ path }) => path.join('/')).toSorted()).toEqual(['limits/createsPerDay', 'name']);
  });

  it('a stored limit override can be read even if the current rules refuse its values', () => {
    const kept = connectionSchema.parse({
      ...connection,
      namespace: 'default',
      id: 'c0000000000000000',
      status: 'Ready',
      createdAt: '2026-01-01T00:00:00Z',
      limits: rates(1, 5_000),
    });
    expect(limitProfileOf('aws', kept.limits).calls.create).toEqual({ perSecond: 1, burst: 5_000 });
  });
});

describe('limitProfileOf', () => {
  it.each(CLOUDS)(
    'the default and power profiles of %s have no contradictions, even with doubled rates',
    (cloud) => {
      for (const profile of [DEFAULT_LIMIT_PROFILES[cloud], POWER_LIMIT_PROFILES[cloud]]) {
        expect(limitProfileSchema.parse(profile)).toEqual(profile);
        expect(contradictionsOf(profile)).toEqual([]);
        const twice = (rate: Rate) =>
          isWindow(rate)
            ? { ...rate, count: rate.count * 2 }
            : { perSecond: rate.perSecond * 2, burst: rate.burst * 2 };
        const { create, list, mutate } = profile.calls;
        expect(
          issuesOf({ calls: { create: twice(create), list: twice(list), mutate: twice(mutate) } }),
        ).toEqual([]);
      }
      expect(perSecondOf(POWER_LIMIT_PROFILES[cloud].calls.create)).toBeGreaterThan(
        perSecondOf(DEFAULT_LIMIT_PROFILES[cloud].calls.create),
      );
      expect(new URL(REQUEST_MORE[cloud].url).protocol).toBe('https:');
      expect(REQUEST_MORE[cloud].text).toMatch(/\.$/);
    },
  );

  it('a connection without overrides has the default profile of its cloud', () => {
    expect(limitProfileOf('ncp', undefined)).toEqual(DEFAULT_LIMIT_PROFILES.ncp);
    expect(limitProfileOf('ncp', {})).toEqual(DEFAULT_LIMIT_PROFILES.ncp);
  });

  it('a connection with tier `power` has the power profile, changed by its overrides', () => {
    expect(limitProfileOf('aws', { tier: 'power' })).toEqual(POWER_LIMIT_PROFILES.aws);
    expect(limitProfileOf('aws', { tier: 'power', concurrentLocations: 2, totals: { gpus: 8 } })).toEqual({
      ...POWER_LIMIT_PROFILES.aws,
      concurrentLocations: 2,
      totals: { gpus: 8 },
    });
  });

  it.each<[Parameters<typeof limitProfileOf>[1], Rate]>([
    [{ createsPerMinute: 3 }, { perSecond: 3, burst: 3 }],
    [{ createsPerDay: 10 }, { perSecond: 5, burst: 10 }],
    [{ minimumSpacingMs: 6_000 }, { perSecond: 1 / 6, burst: 1 }],
    [{ pacing: 'even' }, { perSecond: 5, burst: 1 }],
    [{ pacing: 'all-at-once' }, { perSecond: 5, burst: 20 }],
  ])('the override %j leads to the create rate %j', (limits, create) => {
    const profile = limitProfileOf('aws', limits);
    expect(profile.calls.create).toEqual(create);
    expect(profile).toMatchObject({ ...limits, concurrentLocations: 30 });
  });

  it.each<[Parameters<typeof limitProfileOf>[1], Rate | undefined]>([
    [{}, undefined],
    [{ calls: { list: { perSecond: 1, burst: 1 } } }, undefined],
    [rates(0.5, 4), { perSecond: 0.5, burst: 4 }],
    [{ pacing: 'even' }, { perSecond: 5, burst: 1 }],
    [{ minimumSpacingMs: 500 }, { perSecond: 2, burst: 1 }],
    [
      { ...rates(2, 5), instances: { perSecond: 2, burst: 1_000 } },
      { perSecond: 2, burst: 1_000 },
    ],
    [{ ...rates(2, 5), instances: null }, undefined],
    [{ pacing: 'all-at-once' }, undefined],
  ])('with the override %j, machines have the rate %j', (limits, instances) => {
    expect(limitProfileOf('aws', limits).instances).toEqual(instances);
  });

  it('an override without slots leads to a profile without slots', () => {
    const profile = limitProfileOf('aws', {
      concurrentLocations: null,
      concurrentInstancesPerLocation: null,
    });
    expect(profile).not.toHaveProperty('concurrentLocations');
    expect(profile).not.toHaveProperty('concurrentInstancesPerLocation');
  });

  it('each accepted override leads to a profile without contradictions', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CLOUDS), override, (cloud, limits) => {
        const profile = limitProfileOf(cloud, limits);
        const { calls, ...rest } = profile;
        // With pacing all-at-once, the cloud queues creates and the rate is not used.
        const used = profile.pacing === 'all-at-once' ? { ...rest, calls: {} } : { ...rest, calls };
        expect(contradictionsOf(used)).toEqual([]);
        expect(limitProfileSchema.parse(profile)).toEqual(profile);
        const { tier: _, ...fields } = limits;
        expect(profile).toMatchObject(fields);
      }),
    );
  });
});

it('every example in docs/limits.md is accepted', () => {
  const text = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']): unknown => parse(yaml));
  expect(examples.length).toBeGreaterThan(5);
  for (const example of examples) expect(issuesOf(example)).toEqual([]);
});

function rates(perSecond: number, burst: number) {
  return { calls: { create: { perSecond, burst } } };
}
