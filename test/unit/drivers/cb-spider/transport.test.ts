import { expect, test } from 'vitest';
import { z } from 'zod';
import { SpiderTransport } from '../../../../functions/drivers/cb-spider/transport.ts';
import { startAnswering } from './answering-server.ts';

const PEM = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END PRIVATE KEY-----\n';
const SECRETS = ['password-of-spider', 'pass/word with space', PEM];

test.each([
  ['as it is', 'wrong password: password-of-spider', 'wrong password: ***'],
  ['in an address', 'GET https://cloud/?p=pass%2Fword%20with%20space', 'GET https://cloud/?p=***'],
  ['in JSON', `{"PrivateKey":${JSON.stringify(PEM)}}`, '{"PrivateKey":"***"}'],
  ['line by line', 'cannot read MIIEvQIBADANBgkqhkiG9w0B of the key', 'cannot read *** of the key'],
])('a message has no secret in it, %s', async (_, message, told) => {
  const { url } = await startAnswering(() => ({ status: 500, body: { message } }));
  const transport = new SpiderTransport(url, 'spider', 'password-of-spider', SECRETS);
  const call = transport.call({ method: 'GET', path: ['vmspec'], answer: z.unknown() });
  await expect(call).rejects.toMatchObject({ message: told, call: 'GET /vmspec' });
});

test('names are escaped, so that no name leads to another path', async () => {
  const { url, asked } = await startAnswering(() => ({ body: {} }));
  const transport = new SpiderTransport(`${url}/spider/`, 'spider', 'password', []);
  await transport.call({ method: 'GET', path: ['vm', '../driver?x'], answer: z.unknown() });
  expect(asked.map(({ call }) => call)).toEqual(['GET /vm/..%2Fdriver%3Fx']);
});

test('an answer that cannot be read is unknown for a change, and Unavailable for a read', async () => {
  const { url } = await startAnswering(() => ({ body: { IId: 'not one' } }));
  const transport = new SpiderTransport(url, 'spider', 'password', []);
  const answer = z.object({ IId: z.object({ NameId: z.string() }) });
  const calls = (['GET', 'POST'] as const).map((method) => transport.call({ method, path: ['vm'], answer }));
  const outcomes = await Promise.allSettled(calls);
  expect(outcomes.map((one) => one.status === 'rejected' && one.reason.code)).toEqual([
    'Unavailable',
    'OutcomeUnknown',
  ]);
});
