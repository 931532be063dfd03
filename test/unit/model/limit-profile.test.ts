import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DRIVERS } from '../../../functions/drivers/registry.ts';
import { actionErrors } from '../../../functions/features/connections/check-request.ts';
import { CLOUDS } from '../../../functions/model/cloud.ts';
import { connectionRequestSchema, connectionSchema } from '../../../functions/model/connection.ts';
import { DRIVER_NAMES } from '../../../functions/model/driver-names.ts';
import { contradictionsOf } from '../../../functions/model/limit-contradictions.ts';
import { limitOverrideSchema, limitProfileSchema } from '../../../functions/model/limit-profile.ts';
import { limitSourceSchema } from '../../../functions/model/limit-source.ts';
import { REQUEST_MORE, tierOf } from '../../../functions/model/limit-tiers.ts';
import { limitProfileOf, limitsAt } from '../../../functions/model/limits-in-force.ts';
import { CAUTIOUS_PROFILES, GRANTED_PROFILES } from '../../../functions/model/peer-limits.ts';
import { isWindow, perSecondOf, type Rate } from '../../../functions/model/rate.ts';

const connection = { name: 'here', driver: 'sim', cloud: 'aws', credential: { account: 'a' } };

/** Returns limits at one location. */
const at = (limits: object) => ({ locations: { 'us-east-1': limits } });

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
    [
      'a burst of no machine',
      { ...rates(2, 5), instances: { perSecond: 0.4, burst: 0.5 } },
      ['/instances/burst too_small'],
    ],
    [
      'a burst of machines below their rate',
      { ...rates(2, 5), instances: { perSecond: 9, burst: 1 } },
      ['/instances/burst contradictory'],
    ],
    [
      'a rate of machines and none of create calls',
      { calls: { list: { perSecond: 1, burst: 1 } }, instances: { perSecond: 2, burst: 1_000 } },
      ['/calls/create missing'],
    ],
    [
      'windows of machines and no rate of create calls',
      { instances: { count: 100, windowSeconds: 60 }, pacing: 'even' },
      ['/calls/create missing'],
    ],
    [
      'a window of less than one call',
      { calls: { list: { count: 0.5, windowSeconds: 60 } } },
      ['/calls/list/count too_small'],
    ],
    [
      'a window of more than a day',
      { calls: { list: { count: 5, windowSeconds: 86_401 } } },
      ['/calls/list/windowSeconds too_big'],
    ],
    [
      'a burst without end',
      { calls: { list: { perSecond: 1, burst: Number.POSITIVE_INFINITY } } },
      ['/calls/list/burst invalid_type'],
    ],
    ['totals without end', { totals: { instances: null } }, ['/totals/instances invalid_type']],
    [
      'an unknown kind of calls of all locations',
      { connectionCalls: { read: { perSecond: 1, burst: 1 } } },
      ['/connectionCalls/read unknown'],
    ],
    [
      'bursts below the rate over all locations and of a family',
      {
        connectionCalls: { create: { perSecond: 9, burst: 1 } },
        families: { m6i: { instances: { perSecond: 9, burst: 1 } } },
      },
      ['/connectionCalls/create/burst contradictory', '/families/m6i/instances/burst contradictory'],
    ],
    [
      'rates of creates over all locations that the pacing excludes',
      {
        pacing: 'all-at-once',
        connectionCalls: { change: { perSecond: 1, burst: 1 }, list: { perSecond: 1, burst: 1 } },
        families: { m6i: { instances: { perSecond: 1, burst: 1 } } },
      },
      ['/connectionCalls/change contradictory', '/families/m6i contradictory'],
    ],
    ['a family that meters nothing', { families: { m6i: {} } }, ['/families/m6i/instances invalid_type']],
    ['a name that no family has', { families: { 'm6i large': null } }, ['/families/m6i large invalid_key']],
    ['a reserve of more than everything', { reserve: 100 }, ['/reserve too_big']],
    [
      'a window shorter than a second',
      { calls: { list: { count: 5, windowSeconds: 0.5 } } },
      ['/calls/list/windowSeconds too_small'],
    ],
    ['a reserve of everything', { reserve: 1 }, ['/reserve too_big']],
    ['a negative reserve', { reserve: -0.1 }, ['/reserve too_small']],
    [
      'an action that meters machines and no calls',
      { actions: { 'ec2:TerminateInstances': { instances: { perSecond: 1, burst: 5 } } } },
      ['/actions/ec2:TerminateInstances/calls invalid_type'],
    ],
    [
      'a burst of an action below its rate',
      { actions: { 'ec2:CreateTags': { calls: { perSecond: 5, burst: 2 } } } },
      ['/actions/ec2:CreateTags/calls/burst contradictory'],
    ],
    [
      'a name that no action has',
      { actions: { 'Create tags!': null } },
      ['/actions/Create tags! invalid_key'],
    ],
    [
      'a wrong rate at one location',
      { locations: { 'us-east-1': { calls: { create: { perSecond: 0, burst: 1 } } } } },
      ['/locations/us-east-1/calls/create/perSecond too_small'],
    ],
    [
      'a burst below the rate at one location',
      { locations: { 'us-east-1': { instances: { perSecond: 5, burst: 1 } } } },
      ['/locations/us-east-1/instances/burst contradictory'],
    ],
    [
      'an unknown field of a location',
      { locations: { 'us-east-1': { pacing: 'even' } } },
      ['/locations/us-east-1/pacing unknown'],
    ],
    [
      'a window without a count',
      { ...rates(2, 5), instances: { windowSeconds: 60 } },
      ['/instances/count missing'],
    ],
    [
      'a rate that is a bucket and a window',
      { ...rates(2, 5), instances: { count: 5, windowSeconds: 60, perSecond: 1, burst: 1 } },
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
    [
      'a minimum spacing that a window does not allow',
      { calls: { create: { count: 60, windowSeconds: 60 } }, minimumSpacingMs: 1_100 },
      ['/minimumSpacingMs contradictory'],
    ],
    [
      'rates at a location that the pacing excludes',
      { ...at({ ...rates(5, 20), instances: { perSecond: 1, burst: 9 } }), pacing: 'all-at-once' },
      ['/locations/us-east-1/calls/create contradictory', '/locations/us-east-1/instances contradictory'],
    ],
    [
      'a burst at a location, and even pacing',
      { ...at(rates(5, 20)), pacing: 'even' },
      ['/locations/us-east-1/calls/create/burst contradictory'],
    ],
    [
      'a burst at a location above the budgets of the connection',
      { ...at(rates(5, 20)), createsPerMinute: 19, createsPerDay: 19 },
      [
        '/locations/us-east-1/calls/create/burst contradictory',
        '/locations/us-east-1/calls/create/burst contradictory',
      ],
    ],
    [
      'a rate at a location that the minimum spacing does not allow',
      { ...at(rates(5, 20)), minimumSpacingMs: 210 },
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
    [
      'machines at a location, whose calls are those of the connection',
      at({ instances: { perSecond: 6, burst: 9 } }),
    ],
    ['no rate of machines, and none of create calls', { instances: null }],
    ['no rate of machines, and one of create calls', { ...rates(2, 5), instances: null }],
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
    expect(limitProfileOf({ driver: 'sim', cloud: 'aws' }, kept.limits).calls.create).toEqual({
      perSecond: 1,
      burst: 5_000,
    });
  });
});

describe('limitProfileOf', () => {
  it.each(CLOUDS)(
    'the default and power profiles of %s have no contradictions, even with doubled rates',
    (cloud) => {
      for (const profile of [CAUTIOUS_PROFILES[cloud], GRANTED_PROFILES[cloud]]) {
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
      expect(perSecondOf(GRANTED_PROFILES[cloud].calls.create)).toBeGreaterThan(
        perSecondOf(CAUTIOUS_PROFILES[cloud].calls.create),
      );
      expect(new URL(REQUEST_MORE[cloud].url).protocol).toBe('https:');
      expect(REQUEST_MORE[cloud].text).toMatch(/\.$/);
    },
  );

  it('a connection without overrides has the default profile of its cloud', () => {
    expect(limitProfileOf({ driver: 'sim', cloud: 'ncp' }, undefined)).toEqual(CAUTIOUS_PROFILES.ncp);
    expect(limitProfileOf({ driver: 'sim', cloud: 'ncp' }, {})).toEqual(CAUTIOUS_PROFILES.ncp);
  });

  it('a connection with tier `power` has the power profile, changed by its overrides', () => {
    expect(limitProfileOf({ driver: 'sim', cloud: 'aws' }, { tier: 'power' })).toEqual(GRANTED_PROFILES.aws);
    expect(
      limitProfileOf(
        { driver: 'sim', cloud: 'aws' },
        { tier: 'power', concurrentLocations: 2, totals: { gpus: 8 } },
      ),
    ).toEqual({
      ...GRANTED_PROFILES.aws,
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
    const profile = limitProfileOf({ driver: 'sim', cloud: 'aws' }, limits);
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
    expect(limitProfileOf({ driver: 'sim', cloud: 'aws' }, limits).instances).toEqual(instances);
  });

  it.each(DRIVER_NAMES)('each tier of each cloud of driver %s is a valid profile with sources', (driver) => {
    for (const cloud of DRIVERS[driver].clouds) {
      for (const tier of ['cautious', 'default', 'power'] as const) {
        const { profile, sources } = tierOf({ driver, cloud }, tier);
        expect(limitProfileSchema.parse(profile)).toEqual(profile);
        expect(contradictionsOf(profile)).toEqual([]);
        expect(actionErrors(DRIVERS[driver], profile)).toEqual([]);
        for (const source of sources) expect(limitSourceSchema.parse(source)).toEqual(source);
        expect(sources.length).toBeGreaterThan(0);
        const isOurs = driver === 'sim' || cloud === 'mock';
        expect(profile.reserve ?? 0).toBe(isOurs ? 0 : 0.1);
      }
    }
  });

  it('EC2 has no slots, and its machines go out a thousand at once', () => {
    const profile = limitProfileOf({ driver: 'aws', cloud: 'aws' }, undefined);
    expect(profile).not.toHaveProperty('concurrentInstancesPerLocation');
    expect(profile).toMatchObject({ calls: { create: { burst: 5 } }, instances: { burst: 1_000 } });
    const cautious = limitProfileOf({ driver: 'aws', cloud: 'aws' }, { tier: 'cautious' });
    expect(cautious).toMatchObject({ concurrentLocations: 30, concurrentInstancesPerLocation: 20 });
  });

  it('an older override of an AWS connection allows no more machines than before', () => {
    const { calls, instances } = limitProfileOf({ driver: 'aws', cloud: 'aws' }, rates(0.5, 4));
    expect([calls.create, instances]).toEqual([
      { perSecond: 0.5, burst: 4 },
      { perSecond: 0.5, burst: 4 },
    ]);
  });

  it.each<[Rate, Rate]>([
    [
      { perSecond: 50, burst: 50 },
      { perSecond: 2, burst: 1_000 },
    ],
    [
      { perSecond: 2, burst: 5 },
      { perSecond: 2, burst: 1_000 },
    ],
    [
      { perSecond: 50, burst: 4 },
      { perSecond: 2, burst: 4 },
    ],
    [
      { perSecond: 1, burst: 50 },
      { perSecond: 1, burst: 50 },
    ],
    [
      { count: 600, windowSeconds: 60 },
      { perSecond: 2, burst: 1_000 },
    ],
  ])('at EC2, an override with the create rate %j leads to the rate of machines %j', (create, machines) => {
    const profile = limitProfileOf({ driver: 'aws', cloud: 'aws' }, { calls: { create } });
    expect([profile.calls.create, profile.instances]).toEqual([create, machines]);
  });

  it('limits that the cloud reports replace the default limits, and no other tier', () => {
    const reportedLimits = {
      concurrentLocations: null,
      calls: { create: { perSecond: 40, burst: 400 } },
      instances: { perSecond: 1, burst: 9 },
    };
    const connection = { driver: 'sim', cloud: 'aws', reportedLimits } as const;
    const profile = limitProfileOf(connection, {});
    expect(profile).not.toHaveProperty('concurrentLocations');
    expect(profile).toMatchObject({
      calls: { create: { perSecond: 40 }, list: CAUTIOUS_PROFILES.aws.calls.list },
      instances: { perSecond: 1, burst: 9 },
    });
    expect(limitProfileOf(connection, { tier: 'cautious' })).toEqual(CAUTIOUS_PROFILES.aws);
    expect(limitProfileOf(connection, { concurrentLocations: 4, ...rates(2, 4) })).toMatchObject({
      concurrentLocations: 4,
      calls: { create: { perSecond: 2, burst: 4 } },
      instances: { perSecond: 1, burst: 4 },
    });
  });

  it('an override of one action keeps the other actions, and null lets an action use the bucket of its kind', () => {
    const calls = { perSecond: 1, burst: 1 };
    const { actions } = limitProfileOf(
      { driver: 'aws', cloud: 'aws' },
      { actions: { 'ec2:CreateTags': null, 'ec2:DeleteVpc': { calls } } },
    );
    expect(actions).toMatchObject({ 'ec2:DeleteVpc': { calls }, 'ec2:StopInstances': {} });
    expect(actions).not.toHaveProperty('ec2:CreateTags');
  });

  it('rates over all locations and of families replace single defaults, and null removes one', () => {
    const spider = { driver: 'cb-spider', cloud: 'gcp' } as const;
    const list = { perSecond: 1, burst: 5 };
    const m6i = { instances: { perSecond: 1, burst: 5 } };
    const profile = limitProfileOf(spider, {
      connectionCalls: { change: null, list },
      families: { m6i, p5: null },
    });
    expect(profile.connectionCalls).toEqual({ list });
    expect(profile.families).toEqual({ m6i });
    expect(limitProfileOf(spider, { connectionCalls: { change: null, list: null } })).not.toHaveProperty(
      'connectionCalls',
    );
  });

  it('Compute Engine and Azure behind CB-Spider have windows, and budgets over all locations', () => {
    const gcp = limitProfileOf({ driver: 'cb-spider', cloud: 'gcp' }, undefined);
    expect(gcp).toMatchObject({
      calls: { create: { windowSeconds: 60 } },
      connectionCalls: { change: { count: 1_500, windowSeconds: 60 } },
    });
    const azure = limitProfileOf({ driver: 'cb-spider', cloud: 'azure' }, undefined);
    expect(azure).toMatchObject({
      calls: { create: { count: 500, windowSeconds: 60 } },
      connectionCalls: { create: { count: 500, windowSeconds: 300 } },
    });
    const cautious = limitProfileOf({ driver: 'cb-spider', cloud: 'gcp' }, { tier: 'cautious' });
    expect(cautious).not.toHaveProperty('connectionCalls');
    expect(cautious.calls).toEqual(CAUTIOUS_PROFILES.gcp.calls);
  });

  it('the limits at a location are the profile with the fields of that location', () => {
    const profile = limitProfileOf(
      { driver: 'aws', cloud: 'aws' },
      {
        locations: { 'us-east-1': { ...rates(6, 15), instances: null, concurrentInstancesPerLocation: 50 } },
      },
    );
    const here = limitsAt(profile, 'us-east-1');
    expect(here).toMatchObject({ calls: { create: { perSecond: 6 } }, concurrentInstancesPerLocation: 50 });
    expect(here).not.toHaveProperty('instances');
    const { locations: _, ...elsewhere } = profile;
    expect(limitsAt(profile, 'us-west-2')).toEqual(elsewhere);
  });

  it('an override without slots leads to a profile without slots', () => {
    const profile = limitProfileOf(
      { driver: 'sim', cloud: 'aws' },
      {
        concurrentLocations: null,
        concurrentInstancesPerLocation: null,
      },
    );
    expect(profile).not.toHaveProperty('concurrentLocations');
    expect(profile).not.toHaveProperty('concurrentInstancesPerLocation');
  });

  it('each accepted override leads to a profile without contradictions', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CLOUDS), override, (cloud, limits) => {
        const profile = limitProfileOf({ driver: 'sim', cloud }, limits);
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
