import { afterEach, describe, expect, test } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { type Canned, type CannedEc2, cannedEc2, connect, page, refusal } from './canned-ec2.ts';

const DENIED_REGION = 'AWS was not able to validate the provided access credentials';
const IDENTITY: Canned = {
  status: 200,
  body: '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
};
const WRONG_KEY: Canned = {
  status: 403,
  body: '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message></Error></ErrorResponse>',
};

let ec2: CannedEc2 | undefined;
afterEach(async () => {
  await ec2?.close();
  ec2 = undefined;
});

/** Starts an EC2 that answers each call with AuthFailure, beside an STS with the given answer. */
async function refusingRegion(sts: Canned, message = DENIED_REGION) {
  ec2 = await cannedEc2((call) =>
    call.get('Action') === 'GetCallerIdentity' ? sts : refusal(401, 'AuthFailure', message),
  );
  return connect(ec2.url);
}

async function errorOf(call: Promise<unknown>): Promise<DriverError> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (error instanceof DriverError) return error;
  throw new TypeError(`not a DriverError: ${error}`);
}

const questions = () => ec2?.calls.filter((call) => call.get('Action') === 'GetCallerIdentity').length;

describe('an AuthFailure of one region', () => {
  test('is Forbidden at the site if STS in the home region accepts the credential', async () => {
    const client = await refusingRegion(IDENTITY);
    const error = await errorOf(client.listInstances('us-east-1'));
    expect(error).toMatchObject({ code: 'Forbidden', scope: 'site', cloudCode: 'AuthFailure' });
    expect(error.message).toContain(DENIED_REGION);
    expect(error.call).toBe('ec2:DescribeInstances');
  });

  test('is Unauthorized if STS in the home region refuses the credential as well', async () => {
    const client = await refusingRegion(WRONG_KEY);
    expect(await errorOf(client.listInstances('us-east-1'))).toMatchObject({
      code: 'Unauthorized',
      scope: 'connection',
    });
  });

  test('is Forbidden if STS gives no answer, because nothing then speaks against the credential', async () => {
    const client = await refusingRegion({ status: 503, body: '<html>down</html>' });
    expect((await errorOf(client.listInstances('us-east-1'))).code).toBe('Forbidden');
  });

  test('makes the driver ask STS once for a hundred refusals', async () => {
    const client = await refusingRegion(IDENTITY);
    await Promise.all(Array.from({ length: 100 }, () => errorOf(client.listInstances('us-east-1'))));
    await errorOf(client.stopInstance('eu-west-1', 'i-1'));
    expect(questions()).toBe(1);
  });

  test('concerns only the launch if it is about an image of another account', async () => {
    const client = await refusingRegion(IDENTITY, 'Not authorized for images: [ami-1]');
    expect(await errorOf(client.stopInstance('us-east-1', 'i-1'))).toMatchObject({
      code: 'Forbidden',
      scope: 'launch',
    });
  });
});

test.each([
  ['PendingVerification', 'Your request for accessing resources in this region is being validated', 'site'],
  ['OptInRequired', 'You are not subscribed to this service.', 'site'],
  ['OptInRequired', 'In order to use this AWS Marketplace product you need to accept terms', 'launch'],
  ['CustomerKeyHasBeenRevoked', 'The customer key has been revoked', 'launch'],
] as const)('the code %s with the message "%s" has the scope %s', async (code, message, scope) => {
  ec2 = await cannedEc2(() => refusal(400, code, message));
  expect(await errorOf(connect(ec2.url).stopInstance('us-east-1', 'i-1'))).toMatchObject({
    code: 'Forbidden',
    scope,
  });
});

test('a refusal for the time of a request names the clock, and does not refuse the credential', async () => {
  ec2 = await cannedEc2(() => refusal(400, 'RequestExpired', 'Request has expired.'));
  const error = await errorOf(connect(ec2.url).stopInstance('us-east-1', 'i-1'));
  expect(error.code).toBe('Unavailable');
  expect(error.message).toContain('the clock of this deployment');
});

test('a refused sign-in of STS is Unauthorized, with whichever code STS denies it', async () => {
  ec2 = await cannedEc2(() => ({
    status: 403,
    body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>explicit deny</Message></Error></ErrorResponse>',
  }));
  expect((await errorOf(connect(ec2.url).verifyCredential())).code).toBe('Unauthorized');
});

describe('expired keys', () => {
  const ROLE = {
    roleArn: 'arn:aws:iam::111122223333:role/fleetwright-runner',
    externalId: 'a-word-that-is-hard-to-guess',
  };

  test('of a user are Unauthorized, because nothing renews them', async () => {
    ec2 = await cannedEc2(() => refusal(400, 'ExpiredToken'));
    expect((await errorOf(connect(ec2.url).listInstances('us-east-1'))).code).toBe('Unauthorized');
  });

  test('of a role are Unavailable, because the next call gets new keys', async () => {
    process.env['AWS_ACCESS_KEY_ID'] ??= 'AKIDFUNCTION';
    process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret-of-the-function';
    ec2 = await cannedEc2((call) =>
      call.get('Action') === 'AssumeRole'
        ? {
            status: 200,
            body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>K</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
          }
        : refusal(400, 'ExpiredToken', 'The security token included in the request is expired'),
    );
    expect((await errorOf(connect(ec2.url, ROLE).listInstances('us-east-1'))).code).toBe('Unavailable');
  });
});

test('an accepted call does not ask STS', async () => {
  ec2 = await cannedEc2((call) => page(call.get('Action') ?? ''));
  await connect(ec2.url).stopInstance('us-east-1', 'i-1');
  expect(questions()).toBe(0);
});
