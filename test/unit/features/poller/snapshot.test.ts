import { describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { isDoubtful } from '../../../../functions/features/poller/snapshot.ts';
import type { SiteEntry } from '../../../../functions/platform/store/instances.ts';

const ID = 'f0123456789abcdef-00000';
const entry = (changes: Partial<SiteEntry> = {}): SiteEntry => ({
  siteSk: ID,
  status: 'Terminating',
  launchToken: `${ID}.1`,
  ...changes,
});
const machine = (backendId: string, instanceId?: string): CloudInstance => ({
  backendId,
  status: 'Terminating',
  ...(instanceId === undefined ? {} : { instanceId }),
});
const looked = (entries: readonly SiteEntry[], seen: readonly CloudInstance[]) =>
  isDoubtful({ entries, seen, seenAtMs: 0, isFull: true });

describe('a list that shows nothing', () => {
  it.each([
    ['a machine that a record is bound to', entry({ backendId: 'i-1', status: 'Running' })],
    ['one that is to be removed, and whose id was never told', entry()],
  ])('is in doubt where it should show %s', (_, expected) => {
    expect(looked([expected], [])).toBe(true);
    expect(looked([expected], [machine('i-2')])).toBe(true);
  });

  it('is not in doubt where nothing is there, or nothing was accepted yet', () => {
    expect(looked([], [])).toBe(false);
    expect(looked([entry({ status: 'Creating' })], [])).toBe(false);
  });
});

it('believes a list that shows one of those that it should', () => {
  expect(looked([entry({ backendId: 'i-1' }), entry({ backendId: 'i-2' })], [machine('i-2')])).toBe(false);
  expect(looked([entry()], [machine('i-3', ID)])).toBe(false);
});
