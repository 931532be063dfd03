import { describe, expect, it } from 'vitest';
import {
  decideChanges,
  fleetsThatLost,
  fleetsToReview,
  isVanishing,
  mayChangeFleet,
} from '../../../../functions/features/poller/decide-changes.ts';
import type { Found } from '../../../../functions/features/poller/poll.ts';
import type { StatusChange } from '../../../../functions/platform/store/transition.ts';
import { record } from '../../../samples/records.ts';

const FAILURE = { code: 'CloudFailed', message: 'no host' };
const NONE_MOVABLE: ReadonlySet<string> = new Set();
const decide = (found: readonly Found[], movable = NONE_MOVABLE) => decideChanges({ found, movable });

describe('decideChanges', () => {
  it('a change sets the fields that its finding sets, and clears the fields that its finding clears', () => {
    const finding = { action: 'change', to: 'Running', fields: { zone: 'a' }, clears: ['trouble'] } as const;
    const one = record();
    expect(decide([{ record: one, finding }]).changes).toEqual([
      { kind: 'change', record: one, to: 'Running', fields: { zone: 'a' }, clears: ['trouble'] },
    ]);
  });

  it('if a failing instance may move to another location, its change has `closeAs` Planned instead of Failed', () => {
    const one = record();
    const fields = { closeAs: 'Failed', failure: FAILURE } as const;
    const found = [{ record: one, finding: { action: 'change', to: 'Terminating', fields } }] as const;
    expect(decide(found, new Set([one.instanceId])).changes[0]).toMatchObject({
      to: 'Terminating',
      fields: { closeAs: 'Planned', failure: FAILURE },
    });
    expect(decide(found).changes[0]).toMatchObject({ fields: { closeAs: 'Failed' } });
  });

  it('decideChanges returns nothing for a finding with the action `none` or `confirm`', () => {
    const found: Found[] = [
      { record: record(), finding: { action: 'none' } },
      { record: record(), finding: { action: 'confirm', backendId: 'i-1' } },
    ];
    expect(decide(found)).toEqual({ changes: [], endedAttempts: [], adopted: [], removals: [] });
  });

  it('decideChanges lists each machine to terminate, each ended attempt and each adopted machine', () => {
    const machine = { backendId: 'i-1', status: 'Creating' } as const;
    const one = record();
    const found: Found[] = [
      { record: one, finding: { action: 'terminate', backendId: 'i-7' } },
      { record: one, finding: { action: 'end-attempt', failure: FAILURE } },
      { record: one, finding: { action: 'adopt', machine } },
    ];
    expect(decide(found)).toEqual({
      changes: [],
      removals: [{ record: one, backendId: 'i-7' }],
      endedAttempts: [{ record: one, failure: FAILURE }],
      adopted: [{ record: one, machine }],
    });
  });
});

describe('the changes of a poll', () => {
  const change = (changes: Partial<StatusChange>): StatusChange => ({
    kind: 'change',
    record: record(),
    to: 'Running',
    ...changes,
  });
  const vanished = { failure: { code: 'Vanished', message: 'gone' } };

  it('isVanishing is true only for a change with the failure code Vanished', () => {
    expect(isVanishing(change({ to: 'Terminated', fields: vanished }))).toBe(true);
    expect(isVanishing(change({ to: 'Failed', fields: { failure: FAILURE } }))).toBe(false);
    expect(isVanishing(change({}))).toBe(false);
  });

  it('a launched instance that begins or ceases to run may change its fleet, a launch or removal does not', () => {
    expect(mayChangeFleet(change({ record: record({ status: 'Undefined' }) }))).toBe(true);
    expect(mayChangeFleet(change({ record: record({ status: 'Running' }), to: 'Suspended' }))).toBe(true);
    expect(mayChangeFleet(change({ record: record({ status: 'Creating' }) }))).toBe(false);
    expect(mayChangeFleet(change({ record: record({ status: 'Terminating' }), to: 'Running' }))).toBe(true);
    expect(mayChangeFleet(change({ record: record({ status: 'Terminating' }), to: 'Terminated' }))).toBe(
      false,
    );
  });

  it('fleetsThatLost and fleetsToReview return each fleet only once', () => {
    const lost = [1, 2].map(() => change({ to: 'Failed', fields: { failure: FAILURE } }));
    const back = change({ record: record({ fleetId: 'other', status: 'Undefined' }) });
    expect([...fleetsThatLost([...lost, back])]).toEqual([record().fleetId]);
    expect([...fleetsToReview([...lost, back])]).toEqual(['other']);
  });
});
