import { expect, test } from 'vitest';
import { dueWork } from '../../../functions/inventory/due-work.ts';
import type { Connection } from '../../../functions/model/connection.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
const POLL_MINUTES = 60;
const key = { kind: 'verify', connectionKey: 'default/one' } as const;

const connection = (fields: Partial<Connection> = {}): Connection => ({
  namespace: 'default',
  name: 'one',
  driver: 'sim',
  cloud: 'aws',
  status: 'Ready',
  createdAt: '2026-01-01T00:00:00Z',
  verifiedAt: '2026-01-01T00:00:01Z',
  ...fields,
});
const due = (fields: Partial<Connection>) => dueWork(connection(fields), POLL_MINUTES, NOW_MS);

test.each([
  ['was never read', undefined, {}],
  ['is as old as the driver lets it be', '2026-01-01T11:00:00Z', {}],
  ['will be so before the next time', '2026-01-01T11:00:30Z', {}],
  ['is young', '2026-01-01T11:02:00Z', { sync: false }],
])('a catalogue that %s', (_what, inventorySyncedAt, expected) => {
  expect(due(inventorySyncedAt === undefined ? {} : { inventorySyncedAt })).toEqual({ ...key, ...expected });
});

test('a credential that was good once is tried again; what a user has to decide is left to the user', () => {
  expect(due({ status: 'Failed' })).toMatchObject(key);
  const { verifiedAt: _, ...never } = connection({ status: 'Failed' });
  expect(dueWork(never, POLL_MINUTES, NOW_MS)).toBeUndefined();
  for (const status of ['Verifying', 'Disabled'] as const) expect(due({ status })).toBeUndefined();
});
