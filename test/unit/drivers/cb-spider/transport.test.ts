import { expect, test } from 'vitest';
import * as z from 'zod';
import { SpiderTransport } from '../../../../functions/drivers/cb-spider/transport.ts';
import { openGate } from '../../../calls/gates.ts';
import { localSend } from '../../../samples/drivers.ts';
import { startAnswering } from './answering-server.ts';

test('a name is escaped in the path of a request, so that it cannot lead to another path', async () => {
  const { url, asked } = await startAnswering(() => ({ body: {} }));
  const transport = new SpiderTransport(`${url}/spider/`, 'spider', 'password', openGate, localSend);
  await transport.call({
    location: undefined,
    method: 'GET',
    path: ['vm', '../driver?x'],
    answer: z.unknown(),
  });
  expect(asked.map(({ call }) => call)).toEqual(['GET /vm/..%2Fdriver%3Fx']);
});

test('if the answer does not match its schema, a change fails as OutcomeUnknown and a read as Unavailable', async () => {
  const { url } = await startAnswering(() => ({ body: { IId: 'not one' } }));
  const transport = new SpiderTransport(url, 'spider', 'password', openGate, localSend);
  const answer = z.object({ IId: z.object({ NameId: z.string() }) });
  const calls = (['GET', 'POST'] as const).map((method) =>
    transport.call({ location: undefined, method, path: ['vm'], answer }),
  );
  const outcomes = await Promise.allSettled(calls);
  expect(outcomes.map((one) => one.status === 'rejected' && one.reason.code)).toEqual([
    'Unavailable',
    'OutcomeUnknown',
  ]);
});
