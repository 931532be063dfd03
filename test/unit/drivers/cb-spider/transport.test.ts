import { expect, test } from 'vitest';
import { z } from 'zod';
import { SpiderTransport } from '../../../../functions/drivers/cb-spider/transport.ts';
import { openGate } from '../../../calls/gates.ts';
import { startAnswering } from './answering-server.ts';

test('a name is escaped in the path of a request, so that no name reaches another path', async () => {
  const { url, asked } = await startAnswering(() => ({ body: {} }));
  const transport = new SpiderTransport(`${url}/spider/`, 'spider', 'password', openGate);
  await transport.call({
    location: undefined,
    method: 'GET',
    path: ['vm', '../driver?x'],
    answer: z.unknown(),
  });
  expect(asked.map(({ call }) => call)).toEqual(['GET /vm/..%2Fdriver%3Fx']);
});

test('an answer that does not match its schema is OutcomeUnknown for a change and Unavailable for a read', async () => {
  const { url } = await startAnswering(() => ({ body: { IId: 'not one' } }));
  const transport = new SpiderTransport(url, 'spider', 'password', openGate);
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
