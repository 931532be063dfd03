import { type IncomingHttpHeaders, request } from 'node:http';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, inject, it } from 'vitest';
import { type EngineAccess, engineSettings, StateFolder } from '../../local/index.ts';
import { engineRecordSchema, RECORDS } from '../../local/state/records.ts';
import { presignedUrl, signedHeaders } from '../setup/sign.ts';

const stack = inject('stack');
const { port, host } = new URL(stack.engineUrl);
const isGuarded = new StateFolder(stack.home).read(RECORDS.engine, engineRecordSchema)?.kind !== 'endpoint';
const API = new URL(stack.apiUrl).pathname;
const HEALTH = '/_localstack/health';
const BUCKET = 'guarded';

interface Sent {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/**
 * Sends a request with exactly these headers. `fetch` cannot do this, because it sets the Host header itself.
 */
async function send({ method = 'GET', path, headers = {}, body }: Sent) {
  const length =
    body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': body.length };
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number;
    headers: IncomingHttpHeaders;
    text: string;
  }>();
  const sent = request(
    { host: '127.0.0.1', port, method, path, headers: { host, ...length, ...headers } },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    },
  );
  sent.on('error', reject);
  sent.end(body);
  return await promise;
}

/** Sends a request to S3 with a signature that covers the body. */
async function s3(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const url = new URL(path, stack.engineUrl);
  const signed = signedHeaders(stack, { method, url, service: 's3', body });
  return await send({ method, path, headers: { ...headers, ...signed }, ...(body ? { body } : {}) });
}

const corsHeaders = (headers: IncomingHttpHeaders) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));
const bearer = { authorization: `Bearer ${stack.apiKey}` };

describe.runIf(isGuarded)('the guard of the local engine', () => {
  it.each([`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`])(
    'the guard accepts the Host header %s',
    async (name) => {
      expect((await send({ path: HEALTH, headers: { host: name } })).status).toBe(200);
    },
  );

  it.each([
    'evil.example',
    `evil.example:${port}`,
    `127.0.0.1.nip.io:${port}`,
    `localhost.:${port}`,
    `x.localhost:${port}`,
    `abc.execute-api.localhost:${port}`,
    `127.0.0.2:${port}`,
    '127.0.0.1',
    '127.0.0.1:1',
    `127.0.0.1:${port}, evil.example`,
  ])('the guard refuses the Host header "%s" on every path', async (name) => {
    for (const path of [HEALTH, '/', `${API}/v1/namespaces`, '/_ministack/lambda-code/x/y/z']) {
      const { status } = await send({ path, headers: { ...bearer, host: name } });
      expect([path, status]).toEqual([path, 403]);
    }
  });

  it.each([
    ['origin', 'https://evil.example'],
    ['origin', 'null'],
    ['origin', stack.engineUrl],
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-site', 'same-site'],
    ['sec-fetch-site', 'same-origin'],
  ])(
    'the guard refuses a request with the header %s: %s even if its signature is valid',
    async (name, value) => {
      expect((await send({ path: HEALTH, headers: { [name]: value } })).status).toBe(403);
      const answer = await s3('GET', '/', undefined, { [name]: value });
      expect(answer).toMatchObject({ status: 403 });
      expect(answer.text).toContain('AccessDenied');
      const preflight = { [name]: value, 'access-control-request-method': 'POST' };
      const asked = await send({ method: 'OPTIONS', path: '/', headers: preflight });
      expect([asked.status, corsHeaders(asked.headers)]).toEqual([403, []]);
    },
  );

  it('the guard accepts a signed request with the header `sec-fetch-site: none`', async () => {
    expect((await s3('GET', '/', undefined, { 'sec-fetch-site': 'none' })).status).toBe(200);
  });

  it('an answer of the engine has no CORS headers', async () => {
    const answer = await s3('GET', '/');
    expect([answer.status, corsHeaders(answer.headers)]).toEqual([200, []]);
  });

  it('the deployed API accepts its API key from other origins as well, and answers without CORS headers', async () => {
    const path = `${API}/v1/namespaces`;
    const origin = 'https://evil.example';
    const answer = await send({ path, headers: { ...bearer, origin, 'sec-fetch-site': 'cross-site' } });
    expect([answer.status, corsHeaders(answer.headers)]).toEqual([200, []]);
    const without = await send({ path, headers: { origin } });
    expect([without.status, corsHeaders(without.headers)]).toEqual([401, []]);
    const headers = { origin, 'access-control-request-method': 'GET' };
    const preflight = await send({ method: 'OPTIONS', path, headers });
    expect(corsHeaders(preflight.headers)).toEqual([]);
  });

  it.each([
    ['GET', '/'],
    ['POST', '/_ministack/reset'],
    ['POST', '/_ministack/config'],
    ['GET', '/_ministack/health'],
    ['GET', '/_ministack/sqs/messages'],
    ['POST', HEALTH],
    ['GET', `${HEALTH}/`],
    ['GET', '/_aws/execute-api'],
    ['POST', '/_aws/execute-api/'],
    ['POST', '/_aws/execute-api//x'],
    ['POST', '/_aws/execute-api/%2e%2e/x'],
    ['POST', `/${API}/v1/namespaces`],
    ['GET', '/restapis/x/y/_user_request_/z'],
    ['GET', '/?AWSAccessKeyId=test&Signature=x'],
    ['GET', `/?X-Amz-Credential=${stack.engineAccessKeyId}/20260101/us-east-1/s3/aws4_request`],
  ])('the guard refuses an unsigned %s %s', async (method, path) => {
    const headers = {
      'x-amz-target': 'AmazonSSM.DescribeParameters',
      'content-type': 'application/x-amz-json-1.1',
    };
    for (const more of [{}, bearer, { authorization: `AWS ${stack.engineAccessKeyId}:x` }]) {
      const answer = await send({ method, path, headers: { ...headers, ...more }, body: '{}' });
      expect([answer.status, answer.text]).toEqual([403, expect.stringMatching(/Missing|Incomplete/)]);
    }
  });

  it('a path below the API prefix with an unknown API id is answered 404 and reaches no service', async () => {
    const path = '/_aws/execute-api/none/x?Action=ListQueues';
    const headers = { 'x-amz-target': 'AmazonSSM.DescribeParameters' };
    const answer = await send({ method: 'POST', path, headers, body: '{}' });
    expect([answer.status, answer.text]).toEqual([404, '{"message": "Not Found"}']);
  });

  const { engineAccessKeyId, engineSecretAccessKey } = stack;
  it.each([
    ['an unknown key', 'test', 'test', /^(UnrecognizedClient|InvalidClientTokenId)/],
    [
      "the account's number as access key id, which the engine itself accepts",
      '000000000000',
      engineSecretAccessKey,
      /^(Unrec|Inv)/,
    ],
    ['a wrong secret', engineAccessKeyId, 'wrong', /^SignatureDoesNotMatch/],
  ])(
    'a request with %s is answered 403 with the error code of the service that was called',
    async (_what, id, secret, name) => {
      const wrong: EngineAccess = { ...stack, engineAccessKeyId: id, engineSecretAccessKey: secret };
      const settings = { ...engineSettings(wrong), maxAttempts: 1 };
      const calls = [
        () => new SQSClient(settings).send(new ListQueuesCommand()),
        () => new STSClient(settings).send(new GetCallerIdentityCommand()),
        () => new SFNClient(settings).send(new ListStateMachinesCommand()),
        () => new CloudWatchLogsClient(settings).send(new DescribeLogGroupsCommand()),
      ];
      const refused = { name: expect.stringMatching(name), $metadata: { httpStatusCode: 403 } };
      for (const call of calls) await expect(call()).rejects.toMatchObject(refused);
      const url = new URL('/', stack.engineUrl);
      const headers = signedHeaders(wrong, { method: 'GET', url, service: 's3' });
      const { status, text } = await send({ path: '/', headers });
      expect([status, text]).toEqual([403, expect.stringMatching(/<Code>(InvalidAccessKeyId|Signature)/)]);
    },
  );

  it('the guard accepts requests of an SDK with the right key, and with a session of an assumed role', async () => {
    const settings = engineSettings(stack);
    const sts = new STSClient(settings);
    expect(await sts.send(new GetCallerIdentityCommand())).toMatchObject({ Account: '000000000000' });
    const RoleArn = 'arn:aws:iam::000000000000:role/cdk-hnb659fds-deploy-role-000000000000-us-east-1';
    const { Credentials: of } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'guard' }));
    const sessionOf = (secretAccessKey = '') =>
      new STSClient({
        ...settings,
        credentials: {
          accessKeyId: of?.AccessKeyId ?? '',
          secretAccessKey,
          sessionToken: of?.SessionToken ?? '',
        },
      }).send(new GetCallerIdentityCommand());
    expect(await sessionOf(of?.SecretAccessKey)).toMatchObject({ Arn: expect.stringContaining('/guard') });
    await expect(sessionOf('wrong')).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
  });

  it('the guard accepts a presigned URL until it expires, and refuses a changed URL or a URL with another key', async () => {
    await s3('PUT', `/${BUCKET}`);
    await s3('PUT', `/${BUCKET}/a%20b/%C3%BC`, 'presigned');
    const url = new URL(`/${BUCKET}/a%20b/%C3%BC`, stack.engineUrl);
    const what = { method: 'GET', url, service: 's3' };
    const good = presignedUrl(stack, what);
    expect(await (await fetch(good)).text()).toBe('presigned');

    const other = new URL(good);
    other.pathname = `/${BUCKET}/another`;
    const stretched = new URL(good);
    stretched.searchParams.set('X-Amz-Expires', '6000');
    const late = presignedUrl(stack, what, { at: new Date(Date.now() - 120_000) });
    const foreign = presignedUrl({ ...stack, engineAccessKeyId: 'test' }, what);
    for (const bad of [other, stretched, late, foreign]) expect((await fetch(bad)).status).toBe(403);
    expect((await fetch(good, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  });

  it('the guard forwards large bodies unchanged, both with a content length and in chunks', async () => {
    await s3('PUT', `/${BUCKET}`);
    const body = 'fleet '.repeat(700_000);
    for (const [name, headers] of Object.entries({
      chunked: { 'transfer-encoding': 'chunked' },
      length: {},
    })) {
      const path = `/${BUCKET}/large-${name}`;
      expect((await s3('PUT', path, body, headers)).status).toBe(200);
      expect((await s3('GET', path)).text).toBe(body);
    }
  });

  it('the guard refuses a body that differs from the signed body', async () => {
    const path = `/${BUCKET}/changed`;
    const url = new URL(path, stack.engineUrl);
    const headers = signedHeaders(stack, { method: 'PUT', url, service: 's3', body: 'what was signed' });
    expect((await send({ method: 'PUT', path, headers, body: 'something else' })).status).toBe(403);
  });

  it('the guard answers an unsigned large upload with 403 and does not cut the connection', async () => {
    const body = Buffer.alloc(4 * 1_024 * 1_024);
    expect((await send({ method: 'PUT', path: `/${BUCKET}/refused`, body })).status).toBe(403);
  });

  it('the guard opens no WebSocket', async () => {
    for (const path of ['/', `${API}/v1`]) {
      const { promise, resolve } = Promise.withResolvers<string>();
      const socket = new WebSocket(`ws://${host}${path}`);
      socket.addEventListener('open', () => resolve('open'));
      socket.addEventListener('error', () => resolve('refused'));
      expect(await promise).toBe('refused');
    }
  });
});
