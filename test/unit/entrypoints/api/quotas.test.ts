import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { MAX_QUOTA_LOCATIONS, type Quota } from '../../../../functions/model/quota.ts';
import { noteQuotaFailure, putQuotas } from '../../../../functions/platform/store/quota-readings.ts';
import { fleetBody, furnish } from '../../../engine/api/furnish.ts';
import { InProcessApi } from './any-input/api.ts';

const KEY = 'sim/default/sim-aws';
const VCPUS: Quota = { unit: 'vcpus', name: 'vCPUs of the account', code: 'L-1', limit: 4, used: 2 };

const api = new InProcessApi();
beforeAll(async () => {
  await api.open();
  await furnish(api.store, 'default');
});
afterAll(() => api.close());

const put = (location: string, quotas: Quota[]) => putQuotas(api.store, KEY, location, quotas);
const findingsSchema = z.object({
  errors: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })).default([]),
  warnings: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })).default([]),
});

/** Asks for a fleet of this many m6i.large, each of 2 vCPUs, at two locations together. */
async function post(name: string, size: number, path = '/v1/namespaces/default/fleets') {
  const { status, body } = await api.ask('fleets', {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fleetBody(name, { size })),
  });
  const { errors, warnings } = findingsSchema.parse(body);
  const short = ({ pointer, code }: { pointer: string; code: string }) => `${pointer} ${code}`;
  return { status, errors: errors.map(short), warnings: warnings.map(short), messages: errors };
}

describe('a request for a fleet', () => {
  it('is accepted while no quotas of its connection are known', async () => {
    expect(await post('early', 40)).toMatchObject({ status: 202, warnings: [] });
  });

  it('is refused above the quotas of its locations together, with the words of the quota, and by a validation too', async () => {
    await put('us-east-1', [VCPUS]);
    await put('us-west-2', [VCPUS]);
    const refused = await post('too-big', 5);
    expect(refused).toMatchObject({ status: 400, errors: ['/nodeGroups/0/size above-quota'] });
    expect(refused.messages[0]?.message).toContain(
      '"vCPUs of the account" in us-east-1 (L-1, limit 4 vCPUs, 2 used)',
    );
    const validated = await post('too-big', 5, '/v1/namespaces/default/fleet-validations');
    expect(validated.errors).toEqual(['/nodeGroups/0/size above-quota']);
  });

  it('is accepted with a warning if it fits the limits, and not what is left of them', async () => {
    expect(await post('tight', 4)).toMatchObject({
      status: 202,
      errors: [],
      warnings: ['/nodeGroups/0/size quota-short'],
    });
    expect(await post('small', 2)).toMatchObject({ status: 202, warnings: [] });
  });
});

describe('the limits of a connection', () => {
  const limits = async () => {
    const path = '/v1/namespaces/default/connections/sim-aws/limits';
    const { status, body } = await api.ask('connections', { method: 'GET', path });
    expect(status).toBe(200);
    return z
      .object({
        quotas: z.array(
          z.object({
            location: z.string(),
            readAt: z.string().optional(),
            failure: z.object({ code: z.string(), message: z.string() }).optional(),
            quotas: z.array(z.object({ name: z.string(), limit: z.number(), used: z.number().optional() })),
          }),
        ),
        quotaLocationsLeftOut: z.number(),
      })
      .parse(body);
  };

  it('have the quotas of each location with the time of the reading, and the failure of the latest one', async () => {
    await put('us-east-1', [VCPUS]);
    await put('us-west-2', [VCPUS]);
    await noteQuotaFailure(api.store, KEY, 'us-west-2', { code: 'Forbidden', message: 'a policy denies it' });
    const { quotas, quotaLocationsLeftOut } = await limits();
    const quota = { name: VCPUS.name, limit: 4, used: 2 };
    expect(quotas).toEqual([
      { location: 'us-east-1', readAt: expect.stringMatching(/Z$/), quotas: [quota] },
      {
        location: 'us-west-2',
        readAt: expect.stringMatching(/Z$/),
        failure: { code: 'Forbidden', message: 'a policy denies it' },
        quotas: [quota],
      },
    ]);
    expect(quotaLocationsLeftOut).toBe(0);
  });

  it('have the quotas of at most a hundred locations, and the number of the others', async () => {
    for (let at = 0; at < MAX_QUOTA_LOCATIONS; at += 1) await put(`r-${at}`, [VCPUS]);
    const { quotas, quotaLocationsLeftOut } = await limits();
    expect([quotas.length, quotaLocationsLeftOut]).toEqual([MAX_QUOTA_LOCATIONS, 2]);
  });
});
