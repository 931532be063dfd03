import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keysOf } from '../../../../functions/drivers/aws/credentials.ts';
import { clientSettings } from '../../../../functions/drivers/aws/settings.ts';
import { systemTime } from '../../../../functions/drivers/contract/surroundings.ts';
import { openGate } from '../../../calls/gates.ts';
import { awsHandler } from '../../../samples/drivers.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, page } from './canned-ec2.ts';

const ROLE = {
  roleArn: 'arn:aws:iam::111122223333:role/fleetwright-runner',
  externalId: 'a-word-that-is-hard-to-guess',
};
const MINUTE = 60_000;

const keys = (id: string, expiresMs: number): Canned => ({
  status: 200,
  body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>s-${id}</SecretAccessKey><SessionToken>t-${id}</SessionToken><Expiration>${new Date(expiresMs).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
});
const refused: Canned = {
  status: 403,
  body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>',
};

let sts: CannedEc2;
beforeEach(() => {
  // Lambda gives a function the keys of its own role in these variables.
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDFUNCTION');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-of-the-function');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await sts.close();
});

it('a role is assumed with its external id, only once for concurrent callers, and again before its keys expire', async () => {
  let nowMs = Date.now();
  sts = await cannedEc2(() => keys(`K${sts.calls.length}`, nowMs + 60 * MINUTE));
  const clock = { ...systemTime, now: () => nowMs };
  const read = keysOf(ROLE, clientSettings('sts', 'us-east-1', sts.url, awsHandler), 'd'.repeat(80), {
    calls: openGate,
    clock,
  });
  const [one, two] = await Promise.all([read(), read()]);
  expect(one).toMatchObject({ accessKeyId: 'K1', secretAccessKey: 's-K1', sessionToken: 't-K1' });
  expect(two).toBe(one);
  nowMs += 54 * MINUTE;
  expect(await read()).toBe(one);
  nowMs += 2 * MINUTE;
  expect(await read()).toMatchObject({ accessKeyId: 'K2' });
  expect(sts.calls.map((call) => call.get('Action'))).toEqual(['AssumeRole', 'AssumeRole']);
  const [call] = sts.calls;
  expect(call?.get('RoleArn')).toBe(ROLE.roleArn);
  expect(call?.get('ExternalId')).toBe(ROLE.externalId);
  expect(call?.get('RoleSessionName')).toHaveLength(64);
});

it('if STS refuses the role, the error is Unauthorized without the external id, and the next read tries again to assume the role', async () => {
  sts = await cannedEc2(() => (sts.calls.length === 1 ? refused : keys('K', Date.now() + 60 * MINUTE)));
  const read = keysOf(ROLE, clientSettings('sts', 'us-east-1', sts.url, awsHandler), 'test', {
    calls: openGate,
    clock: systemTime,
  });
  const error: unknown = await read().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'Unauthorized', call: 'sts:AssumeRole' });
  expect(String(error)).not.toContain(ROLE.externalId);
  expect(await read()).toMatchObject({ accessKeyId: 'K' });
});

it('the clients of all regions share the keys of one assumed role', async () => {
  sts = await cannedEc2((call) => {
    const action = call.get('Action') ?? '';
    if (action === 'AssumeRole') return keys('K', Date.now() + 60 * MINUTE);
    const regions = ['eu-west-1', 'us-east-1'].map((name) => `<item><regionName>${name}</regionName></item>`);
    return page(action, action === 'DescribeRegions' ? `<regionInfo>${regions.join('')}</regionInfo>` : '');
  });
  const locations = await connect(sts.url, ROLE).listLocations();
  expect(locations.map(({ name }) => name)).toEqual(['eu-west-1', 'us-east-1']);
  expect(sts.calls.filter((call) => call.get('Action') === 'AssumeRole')).toHaveLength(1);
});
