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
const listIsDoubtful = (entries: readonly SiteEntry[], seen: readonly CloudInstance[]) =>
  isDoubtful({ entries, seen, seenAtMs: 0, isFull: true });

describe('isDoubtful', () => {
  it.each([
    ['a machine that a record is bound to', entry({ backendId: 'i-1', status: 'Running' })],
    ['a machine that is being removed and whose backend id is unknown', entry()],
  ])('a list that shows no known machine is doubtful if it should show %s', (_, expected) => {
    expect(listIsDoubtful([expected], [])).toBe(true);
    expect(listIsDoubtful([expected], [machine('i-2')])).toBe(true);
  });

  it('an empty list is not doubtful if there is no record, or if the cloud has accepted no create call yet', () => {
    expect(listIsDoubtful([], [])).toBe(false);
    expect(listIsDoubtful([entry({ status: 'Creating' })], [])).toBe(false);
  });
});

it('a list that shows one of the known machines is not doubtful', () => {
  expect(listIsDoubtful([entry({ backendId: 'i-1' }), entry({ backendId: 'i-2' })], [machine('i-2')])).toBe(
    false,
  );
  expect(listIsDoubtful([entry()], [machine('i-3', ID)])).toBe(false);
});
