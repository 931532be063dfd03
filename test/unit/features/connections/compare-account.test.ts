import { expect, it } from 'vitest';
import {
  anotherAccount,
  compareAccount,
} from '../../../../functions/features/connections/compare-account.ts';

const VERIFIED = { verifiedAt: '2026-01-01T00:00:00.000Z' };
const untold = { account: undefined };

it.each([
  [
    'a connection that was never verified gets the account that the cloud tells',
    {},
    { account: 'a' },
    false,
    'first',
  ],
  ['a first credential without an account has nothing to write', {}, untold, false, 'same'],
  [
    'a later verification finds the same account',
    { ...VERIFIED, account: 'a' },
    { account: 'a' },
    false,
    'same',
  ],
  [
    'a rotation within the account finds the same account',
    { ...VERIFIED, account: 'a' },
    { account: 'a' },
    true,
    'same',
  ],
  [
    'a rotation to a credential of another account compares as another',
    { ...VERIFIED, account: 'a' },
    { account: 'b' },
    true,
    'another',
  ],
  [
    'a credential in force that now belongs to another account compares as another',
    { ...VERIFIED, account: 'a' },
    { account: 'b' },
    false,
    'another',
  ],
  [
    'a new credential without an account has to show machines',
    { ...VERIFIED, account: 'a' },
    untold,
    true,
    'unproven',
  ],
  [
    'a new credential at a cloud that never told its account has to show machines',
    VERIFIED,
    untold,
    true,
    'unproven',
  ],
  [
    'a new credential that is the first to tell an account has to show machines',
    VERIFIED,
    { account: 'b' },
    true,
    'unproven',
  ],
  [
    'the credential in force needs no proof when the cloud no longer tells its account',
    { ...VERIFIED, account: 'a' },
    untold,
    false,
    'same',
  ],
] as const)('%s', (_title, kept, told, isNew, expected) => {
  expect(compareAccount(kept, told, isNew)).toBe(expected);
});

it('a refusal contains the display names of both accounts', () => {
  const kept = { name: 'lab', account: 'p1', accountName: 'demo (p1)' };
  const { code, message } = anotherAccount(kept, { account: 'p2', accountName: 'prod (p2)' });
  expect(code).toBe('AnotherAccount');
  expect(message).toContain('demo (p1)');
  expect(message).toContain('prod (p2)');
});
