import { expect, test } from 'vitest';
import { dueWork } from '../../../../functions/features/inventory/due-work.ts';
import type { Connection } from '../../../../functions/model/connection.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
const POLL_MINUTES = 60;
const key = { kind: 'verify', connectionKey: 'sim/default/one' } as const;

const connection = (fields: Partial<Connection> = {}): Connection => ({
  namespace: 'default',
  name: 'one',
  id: 'c0000000000000000',
  driver: 'sim',
  cloud: 'aws',
  status: 'Ready',
  createdAt: '2026-01-01T00:00:00Z',
  verifiedAt: '2026-01-01T00:00:01Z',
  ...fields,
});
const due = (fields: Partial<Connection>) => dueWork(connection(fields), POLL_MINUTES, NOW_MS);

test.each([
  ['a catalogue is read if it was never read', undefined, {}],
  ['a catalogue is read again if it is as old as the driver allows', '2026-01-01T11:00:00Z', {}],
  ['a catalogue is read again if it will be too old before the next check', '2026-01-01T11:00:30Z', {}],
  ['a recent catalogue is not read again', '2026-01-01T11:02:00Z', { sync: false }],
])('%s', (_what, inventorySyncedAt, expected) => {
  const due = dueWork(
    connection(inventorySyncedAt === undefined ? {} : { inventorySyncedAt }),
    POLL_MINUTES,
    NOW_MS,
  );
  expect(due).toEqual([{ ...key, ...expected }]);
});

test('a Failed connection is verified again only if it was verified before, and a Disabled connection is not verified', () => {
  expect(due({ status: 'Failed' })).toMatchObject([key]);
  const { verifiedAt: _, ...never } = connection({ status: 'Failed' });
  expect(dueWork(never, POLL_MINUTES, NOW_MS)).toEqual([]);
  expect(due({ status: 'Disabled' })).toEqual([]);
});

test('a connection or a credential rotation in Verifying is verified, and a Failed rotation is not', () => {
  const { verifiedAt: _, ...made } = connection({ status: 'Verifying', credentialVersion: 1 });
  expect(dueWork(made, POLL_MINUTES, NOW_MS)).toMatchObject([key]);
  const requestedAt = '2026-01-01T11:00:00Z';
  const rotation = { version: 2, status: 'Verifying', requestedAt } as const;
  expect(due({ status: 'Disabled', rotation })).toEqual([{ ...key, rotation: 2 }]);
  expect(due({ status: 'Disabled', rotation: { ...rotation, status: 'Failed' } })).toEqual([]);
});

test('a connection in Verifying is not verified before its secret is stored', () => {
  expect(due({ status: 'Verifying' })).toEqual([]);
});
