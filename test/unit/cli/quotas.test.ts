import { describe, expect, it } from 'vitest';
import { REQUEST_MORE } from '../../../functions/model/limit-tiers.ts';
import { CAUTIOUS_PROFILES, GRANTED_PROFILES } from '../../../functions/model/peer-limits.ts';
import type { QuotaReading } from '../../../functions/model/quota.ts';
import { cli } from './world.ts';

const at = '/v1/namespaces/default/connections/main/limits';
const READ_AT = '2026-01-01T12:00:00.000Z';
const EAST: QuotaReading = {
  location: 'us-east-1',
  readAt: READ_AT,
  quotas: [
    {
      unit: 'vcpus',
      name: 'Running On-Demand Standard instances',
      instanceClass: 'Standard',
      market: 'on-demand',
      code: 'L-1216C47A',
      limit: 64,
      used: 12,
      isAdjustable: true,
    },
    { unit: 'networks', name: 'VPCs per Region', limit: 5, code: 'L-F678F1CE', isAdjustable: false },
  ],
};
const WEST: QuotaReading = {
  location: 'us-west-2',
  failure: { code: 'Forbidden', message: 'servicequotas:ListServiceQuotas: denied', at: READ_AT },
  quotas: [],
};

const launchedAt = (location: string) => ({
  location,
  inUse: false,
  calls: { list: { perSecond: 1, ofPerSecond: 1 }, mutate: { perSecond: 1, ofPerSecond: 1 } },
  inFlight: { taken: 0, of: 20 },
  waiting: { launches: 0, byFleet: [] },
  reasons: [],
});

/** Returns what `connection limits main` prints after the governor's locations. */
async function shown(quotas: readonly QuotaReading[] | undefined, flags: string[] = [], leftOut = 0) {
  const governor = {
    locationsInUse: { taken: 0, of: 30 },
    budgets: [],
    locations: [launchedAt('us-east-1')],
    locationsLeftOut: 0,
  };
  const profile = CAUTIOUS_PROFILES.aws;
  const tiers = { cautious: profile, defaults: profile, power: GRANTED_PROFILES.aws };
  const limits = { profile, override: {}, ...tiers, sources: [], governor };
  const body = {
    cloud: 'aws',
    tier: 'default',
    requestMore: REQUEST_MORE.aws,
    ...limits,
    ...(quotas ? { quotas, quotaLocationsLeftOut: leftOut } : {}),
  };
  const answers = { [`GET ${at}`]: { body } };
  const { exitCode, stdout } = await cli(['connection', 'limits', 'main', ...flags], { answers });
  expect(exitCode).toBe(0);
  return stdout.slice(stdout.indexOf('CHANGES/S'));
}

describe('connection limits', () => {
  it('shows the quotas where anything was launched, with what they count, code and time, and names the way to the others', async () => {
    const text = await shown([EAST, WEST]);
    const lines = text.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
    expect(lines).toContain('LOCATION | QUOTA OF THE ACCOUNT | LIMIT | USED | COUNTS | CODE | READ AT');
    expect(lines).toContain(
      `us-east-1 | Running On-Demand Standard instances | 64 | 12 | vcpus Standard on-demand | L-1216C47A | ${READ_AT}`,
    );
    expect(lines).toContain(
      `us-east-1 | VPCs per Region | 5 | - | networks | L-F678F1CE (fixed) | ${READ_AT}`,
    );
    expect(text).not.toContain('us-west-2');
    expect(text).toContain(
      'Quotas of 1 more location: `fleetwright connection limits main --location LOCATION`',
    );
  });

  it('shows the quotas of one location, or why they could not be read', async () => {
    const text = await shown([EAST, WEST], ['--location', 'us-west-2'], 3);
    expect(text).toContain(
      `The quotas of us-west-2 could not be read at ${READ_AT}: servicequotas:ListServiceQuotas: denied`,
    );
    expect(text).not.toContain('L-1216C47A');
    expect(text).toContain('Quotas of 4 more locations:');
  });

  it.each([[undefined], [[]]])('shows no quotas if none were read: %j', async (quotas) => {
    expect(await shown(quotas)).not.toMatch(/quota/i);
  });
});
