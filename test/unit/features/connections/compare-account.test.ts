import { expect, it } from 'vitest';
import {
  anotherAccount,
  compareAccount,
} from '../../../../functions/features/connections/compare-account.ts';

const VERIFIED = { verifiedAt: '2026-01-01T00:00:00.000Z' };
const untold = { account: undefined };

it.each([
  [
    'a connection that was never verified gets the account that the cloud states',
    {},
    { account: 'a' },
    false,
    'first',
  ],
  ['the accounts count as the same if the first verification states no account', {}, untold, false, 'same'],
  [
    'the accounts are the same if a later verification states the account of the connection',
    { ...VERIFIED, account: 'a' },
    { account: 'a' },
    false,
    'same',
  ],
  [
    'the accounts are the same if the new credential of a rotation belongs to the account of the connection',
    { ...VERIFIED, account: 'a' },
    { account: 'a' },
    true,
    'same',
  ],
  [
    'the accounts differ if the new credential of a rotation belongs to another account',
    { ...VERIFIED, account: 'a' },
    { account: 'b' },
    true,
    'another',
  ],
  [
    'the accounts differ if a later verification states another account',
    { ...VERIFIED, account: 'a' },
    { account: 'b' },
    false,
    'another',
  ],
  [
    'the account of a new credential is unproven if the cloud does not state the account',
    { ...VERIFIED, account: 'a' },
    untold,
    true,
    'unproven',
  ],
  [
    'the account of a new credential is unproven if the cloud has never stated an account',
    VERIFIED,
    untold,
    true,
    'unproven',
  ],
  [
    'the account of a new credential is unproven if the connection’s own account is unknown',
    VERIFIED,
    { account: 'b' },
    true,
    'unproven',
  ],
  [
    'the accounts count as the same if a later verification states no account',
    { ...VERIFIED, account: 'a' },
    untold,
    false,
    'same',
  ],
] as const)('%s', (_title, kept, told, isNew, expected) => {
  expect(compareAccount(kept, told, isNew)).toBe(expected);
});

it('the error about a credential of another account contains the display names of both accounts', () => {
  const kept = { name: 'lab', account: 'p1', accountName: 'demo (p1)' };
  const { code, message } = anotherAccount(kept, { account: 'p2', accountName: 'prod (p2)' });
  expect(code).toBe('AnotherAccount');
  expect(message).toContain('demo (p1)');
  expect(message).toContain('prod (p2)');
});
