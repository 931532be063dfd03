import { expect, it } from 'vitest';
import { connectionLimitsText } from '../../../cli/shell/show-limits.ts';
import type { GovernorView } from '../../../functions/model/governor-view.ts';
import { REQUEST_MORE, tierOf } from '../../../functions/model/limit-tiers.ts';
import { limitProfileOf } from '../../../functions/model/limits-in-force.ts';

const AWS = { driver: 'aws', cloud: 'aws' } as const;
const GCP = { driver: 'cb-spider', cloud: 'gcp' } as const;
const IDLE: GovernorView = { locationsInUse: { taken: 0 }, budgets: [], locations: [], locationsLeftOut: 0 };
const rate = (perSecond: number, ofPerSecond = perSecond) => ({ perSecond, ofPerSecond });

function shown(
  connection: Parameters<typeof limitProfileOf>[0],
  override: NonNullable<Parameters<typeof limitProfileOf>[1]>,
  governor: GovernorView = IDLE,
): string {
  const { cloud } = connection;
  return connectionLimitsText('main', {
    cloud,
    tier: 'default',
    profile: limitProfileOf(connection, override),
    override,
    cautious: tierOf(connection, 'cautious').profile,
    defaults: tierOf(connection, 'default').profile,
    power: tierOf(connection, 'power').profile,
    sources: tierOf(connection, 'default').sources,
    requestMore: REQUEST_MORE[cloud],
    governor,
  });
}

it('the limits are tables that fit a terminal of 130 columns, without lines for what no profile limits', () => {
  for (const text of [shown(AWS, {}), shown(GCP, {})]) {
    const tables = text.split('\n').filter((line) => !/^(To request more| +[A-Za-z]|[A-Z][a-z])/.test(line));
    expect(Math.max(...tables.map((line) => line.length))).toBeLessThanOrEqual(130);
    expect(text).not.toContain('GPUs in total');
  }
});

it('families, rates of all locations, and locations with limits of their own have lines', () => {
  const appliedLimits = { 'us-east-1': { calls: { create: { perSecond: 6, burst: 15 } } } };
  const text = shown(
    { ...AWS, appliedLimits },
    {
      families: { p5: { instances: { perSecond: 0.1, burst: 4 } } },
      locations: { 'eu-west-1': { instances: null, concurrentInstancesPerLocation: 50 } },
    },
  );
  expect(text).toMatch(/instances of family p5 per location +0.1\/s \(burst 4\) +- +- +-\n/);
  expect(text).toMatch(/us-east-1 +create 6\/s \(burst 15\)\n/);
  expect(text).toMatch(/eu-west-1 +instances not metered, at most 50 instances being created\n/);
  expect(text).toMatch(/ec2:TerminateInstances +5\/s \(burst 100\) +20\/s \(burst 1000\)\n/);
  expect(shown(GCP, {})).toMatch(
    /changing calls of all locations +1500 per 60 s +- +1500 per 60 s +6000 per 60 s\n/,
  );
});

it('each source is published or an estimate, with its day and address', () => {
  const text = shown(GCP, {});
  expect(text).toContain(
    '  connectionCalls.change\n    published: Compute Engine, by project: 1,500 mutations a minute; newer figures are not published (read on 2026-11-29)\n    https://cloud.google.com/compute/docs/api-rate-limits\n',
  );
  expect(text).toContain('  calls.create, calls.mutate\n    estimate: no figure is published for a region');
});

it('rates in use are explained: what is left for others, what throttles lowered, and what all locations share', () => {
  const text = shown(
    GCP,
    {},
    {
      ...IDLE,
      connectionCalls: [{ calls: 'change', perSecond: 22.5, used: 12, of: 1_350 }],
      locations: [
        {
          location: 'us-east1',
          inUse: true,
          calls: { create: rate(2.7, 5.4), list: rate(4.5), mutate: rate(10.8) },
          actions: [{ action: 'spider:DELETE /vm', calls: rate(1, 4) }],
          inFlight: { taken: 1, of: 20 },
          waiting: { launches: 0, byFleet: [] },
          reasons: [{ why: 'throttled', call: 'create', share: 0.5 }],
        },
      ],
    },
  );
  expect(text).toMatch(/Changing calls, all locations +12 of 1350\n/);
  expect(text).toContain('2.7 of 5.4');
  expect(text).toContain('create slowed to 50 %; spider:DELETE /vm slowed to 25 %\n');
  expect(text).toMatch(
    /These rates leave 10 % of the limits to others in the account.\nA rate such as "2.5 of 5" .*\n$/,
  );
});
