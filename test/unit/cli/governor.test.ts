import { describe, expect, it } from 'vitest';
import type { GovernorReason, GovernorView, LocationView } from '../../../functions/model/governor-view.ts';
import { REQUEST_MORE } from '../../../functions/model/limit-tiers.ts';
import { CAUTIOUS_PROFILES, GRANTED_PROFILES } from '../../../functions/model/peer-limits.ts';
import { cli } from './world.ts';

const at = '/v1/namespaces/default/connections/sim-aws/limits';
const noon = '2026-01-01T12:00:00.000Z';
const later = '2026-01-01T12:05:00.000Z';

const site = (location: string, more: Partial<LocationView> = {}): LocationView => ({
  location,
  inUse: true,
  calls: {
    create: { perSecond: 5, ofPerSecond: 5 },
    list: { perSecond: 10, ofPerSecond: 10 },
    mutate: { perSecond: 10, ofPerSecond: 10 },
  },
  inFlight: { taken: 0, of: 20 },
  waiting: { launches: 0, byFleet: [] },
  reasons: [],
  ...more,
});

async function shown(governor: Partial<GovernorView>): Promise<string> {
  const body = {
    cloud: 'aws',
    tier: 'default',
    profile: CAUTIOUS_PROFILES.aws,
    override: {},
    cautious: CAUTIOUS_PROFILES.aws,
    defaults: CAUTIOUS_PROFILES.aws,
    sources: [{ limits: 'calls.create', source: 'a table', date: '2026-11-29', isEstimate: true }],
    power: GRANTED_PROFILES.aws,
    requestMore: REQUEST_MORE.aws,
    governor: {
      locationsInUse: { taken: 2, of: 30 },
      budgets: [],
      locations: [],
      locationsLeftOut: 0,
      ...governor,
    },
  };
  const { exitCode, stdout } = await cli(['connection', 'limits', 'sim-aws'], {
    answers: { [`GET ${at}`]: { body } },
  });
  expect(exitCode).toBe(0);
  return stdout.slice(stdout.indexOf('Locations in use'));
}

describe('connection limits', () => {
  it('`connection limits` shows the slots and rates of each location, and why launches wait', async () => {
    const { create: _, ...calls } = site('x').calls;
    const text = await shown({
      locations: [
        site('us-east-1', {
          calls: { ...calls, create: { perSecond: 2.51234, ofPerSecond: 5 } },
          inFlight: { taken: 20, of: 20 },
          waiting: { launches: 60, byFleet: [] },
          reasons: [
            { why: 'slots', taken: 20, of: 20 },
            { why: 'throttled', call: 'create', share: 0.502, sinceAt: noon },
          ],
        }),
        site('us-west-2', { calls }),
      ],
    });
    expect(text).toBe(
      [
        'Locations in use  2 of 30',
        '',
        'LOCATION   IN FLIGHT  WAITING  CREATES/S  LISTS/S  CHANGES/S  WHY',
        'us-east-1  20 of 20        60  2.51 of 5  10       10         all slots are taken; create slowed to 50 %',
        'us-west-2  0 of 20          0  no limit   10       10         -',
        'A rate such as "2.5 of 5" was lowered after a throttle, and rises again while the cloud accepts calls.',
        '',
      ].join('\n'),
    );
  });

  it.each<[GovernorReason, string]>([
    [{ why: 'locations', taken: 3, of: 3 }, 'all 3 location slots of the connection are in use'],
    [{ why: 'rate', nextCallAt: later }, `next create at ${later}`],
    [
      { why: 'throttled', call: 'list', share: 0.25, sinceAt: noon, until: later },
      `list slowed to 25 %, no call before ${later}`,
    ],
    [
      { why: 'outage', sinceAt: noon, nextProbeAt: later },
      `the location has accepted no call since ${noon}; next probe at ${later}`,
    ],
    [
      {
        why: 'capacity',
        instanceType: 'm6i.large',
        zone: 'us-east-1a',
        market: 'on-demand',
        sinceAt: noon,
        until: later,
        probing: false,
      },
      `no capacity of m6i.large in us-east-1a since ${noon}; next probe after ${later}`,
    ],
    [
      {
        why: 'capacity',
        instanceType: 'm6i.large',
        market: 'on-demand',
        sinceAt: noon,
        until: later,
        probing: true,
      },
      `no capacity of m6i.large since ${noon}; a launch is probing it`,
    ],
    [
      {
        why: 'quota',
        of: 'family',
        family: 'm6i',
        message: 'no \u001b[31mmore',
        sinceAt: noon,
        retryAt: later,
      },
      `the quota of m6i is used up (no \\u001b[31mmore); next probe at ${later}`,
    ],
    [
      {
        why: 'denied',
        instanceType: 'm6i.large',
        market: 'on-demand',
        message: 'PendingVerification: soon',
        sinceAt: noon,
        retryAt: later,
        probing: false,
      },
      `the cloud denies m6i.large since ${noon} (PendingVerification: soon); next probe at ${later}`,
    ],
    [{ why: 'budget', budget: 'createsPerDay', until: later }, `createsPerDay is used up until ${later}`],
    [{ why: 'first-instance' }, 'one instance has to run before all others are launched'],
  ])(
    '`connection limits` explains in words, without control characters, why launches wait: %j',
    async (reason, words) => {
      expect(await shown({ locations: [site('us-east-1', { reasons: [reason] })] })).toContain(
        `  ${words}\n`,
      );
    },
  );

  it('`connection limits` shows budgets and the number of locations that the answer leaves out', async () => {
    const text = await shown({
      budgets: [
        { budget: 'createsPerDay', used: 50, of: 50 },
        { budget: 'memoryGb', used: 12.34567, of: 50 },
      ],
      locations: [site('us-east-1')],
      locationsLeftOut: 7,
    });
    expect(text).toMatch(/Creates today \(UTC\) +50 of 50\nGB of memory +12.3 of 50\n/);
    expect(text).toMatch(/and 7 more locations\n$/);
  });
});

describe('connection reopen', () => {
  it.each([
    [[], {}],
    [['--location', 'us-east-1'], { location: 'us-east-1' }],
  ])(
    '`connection reopen` with %j prints the instance families whose launches the API allows again',
    async (flags, body) => {
      const reopened = [{ location: 'us-east-1', families: ['m6i', 'c7g'] }];
      const { exitCode, stdout, asked } = await cli(['connection', 'reopen', 'sim-aws', ...flags], {
        answers: { [`POST ${at}/reopen`]: { body: { reopened } } },
      });
      expect([exitCode, asked[0]?.body]).toEqual([0, body]);
      expect(stdout).toBe('LOCATION   REOPENED\nus-east-1  m6i, c7g\n');
    },
  );

  it('`connection reopen` prints a message if no quota was blocking launches, and refuses an invalid location', async () => {
    const answers = { [`POST ${at}/reopen`]: { body: { reopened: [] } } };
    expect((await cli(['connection', 'reopen', 'sim-aws'], { answers })).stdout).toBe(
      'No quota was blocking launches.\n',
    );
    const bad = await cli(['connection', 'reopen', 'sim-aws', '--location', 'a b'], { answers });
    expect([bad.exitCode, bad.asked]).toEqual([2, []]);
  });
});
