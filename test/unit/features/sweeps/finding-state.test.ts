import { describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import type { ProofTerms } from '../../../../functions/features/ownership/prove-machine.ts';
import {
  classifyMachine,
  classifyResource,
  isExpected,
} from '../../../../functions/features/sweeps/classify.ts';
import {
  nextState,
  stateOfMissing,
  stateWhenGone,
} from '../../../../functions/features/sweeps/finding-state.ts';
import { firstToGo } from '../../../../functions/features/sweeps/remove-orphans.ts';
import { orphanPolicySchema } from '../../../../functions/model/orphan.ts';
import type { NetworkItem } from '../../../../functions/platform/store/networks.ts';
import type { OrphanItem } from '../../../../functions/platform/store/orphans.ts';
import { record } from '../../../samples/records.ts';

const NOW_MS = 1_000_000_000;
const LONGEST_MS = 60_000;
const asked = {
  location: 'us-east-1',
  atMs: NOW_MS,
  consistencyWindowMs: 5_000,
  terms: {
    longestCreateMs: LONGEST_MS,
    machineProof: ['creation-time'],
    backendIds: 'unique',
  } satisfies ProofTerms,
};
const machine = (fields: Partial<CloudInstance> = {}): CloudInstance => ({
  backendId: 'i-1',
  instanceId: 'f0123456789abcdef-00000',
  launchToken: 'f0123456789abcdef-00000.1',
  status: 'Running',
  createdAtMs: 0,
  ...fields,
});
const bound = record({ status: 'Running', backendId: 'i-1', acceptedAtMs: 1_000 });
const iso = (ms: number) => new Date(ms).toISOString();

describe('classifyMachine', () => {
  it.each([
    ['whose record is bound to it', bound],
    ['whose create call has not been answered', record({ launchState: 'claimed' })],
    ['whose create reply was lost', record({ launchState: 'unknown' })],
    ['that is being removed', record({ status: 'Terminating', backendId: 'i-1' })],
    [
      'whose record was closed less than one consistency window before the list call',
      record({ status: 'Terminated', backendId: 'i-1', terminatedAt: iso(NOW_MS - 4_000) }),
    ],
  ])('a machine %s is claimed', (_, found) => {
    expect(classifyMachine(machine(), found, asked)).toEqual({ claimed: true });
  });

  const earlier = (location = 'us-east-1') => [
    { launchToken: 'f0123456789abcdef-00000.1', location, firstSentAtMs: 0, closedAtMs: 1_000 },
  ];
  const later = { launchToken: 'f0123456789abcdef-00000.2', firstSentAtMs: NOW_MS - 1_000 };

  it.each([
    ['without a record', undefined, 'no-record'],
    ['whose record was closed', record({ status: 'Terminated', backendId: 'i-1' }), 'record-closed'],
    [
      'whose record was closed long ago',
      record({ status: 'Failed', backendId: 'i-1', terminatedAt: iso(NOW_MS - 6_000) }),
      'record-closed',
    ],
    [
      'whose record was closed just now and was bound to another machine',
      record({ status: 'Terminated', backendId: 'i-2', terminatedAt: iso(NOW_MS) }),
      'record-closed',
    ],
    ['whose record is bound to another machine', record({ ...bound, backendId: 'i-2' }), 'duplicate'],
    [
      'of an earlier attempt',
      record({ ...later, launchState: 'claimed', earlierAttempts: earlier() }),
      'earlier-attempt',
    ],
    [
      'of an earlier attempt while the next attempt is only planned',
      record({
        status: 'Planned',
        launchState: 'refused',
        firstSentAtMs: undefined,
        earlierAttempts: earlier(),
      }),
      'earlier-attempt',
    ],
    [
      'whose instance moved to another location',
      record({ ...later, location: 'us-west-2', earlierAttempts: earlier() }),
      'elsewhere',
    ],
    [
      'whose record was closed because the machine had vanished',
      record({
        status: 'Terminated',
        backendId: 'i-1',
        failure: { code: 'Vanished', message: 'gone' },
        terminatedAt: iso(NOW_MS - 6_000),
      }),
      'returned',
    ],
  ])('a machine %s is not claimed and is not a copy', (_, found, reason) => {
    expect(classifyMachine(machine(), found, asked)).toEqual({ claimed: false, reason });
  });

  it.each([
    ['while the original runs', record({ ...bound, backendId: 'i-2' })],
    ['when the original is gone', record({ status: 'Terminated', backendId: 'i-2', acceptedAtMs: 1_000 })],
    [
      'while the instance is launched again',
      record({ ...later, launchState: 'claimed', earlierAttempts: earlier() }),
    ],
  ])('a machine that was made a day after its launch is a copy %s', (_, found) => {
    const copy = machine({ createdAtMs: 86_400_000 });
    expect(classifyMachine(copy, found, asked)).toEqual({ claimed: false, reason: 'copy' });
  });

  it('a machine without a creation time is unproven, unless its create call has no known outcome yet', () => {
    const { createdAtMs: _, ...ageless } = machine({ backendId: 'i-9' });
    const verdict = { claimed: false, reason: 'unproven' };
    expect(classifyMachine(ageless, bound, asked)).toEqual(verdict);
    expect(classifyMachine(ageless, record({ launchState: 'unknown' }), asked)).toEqual({ claimed: true });
  });

  it('a machine that is older than its launch is a copy', () => {
    const launching = record({ launchState: 'unknown', firstSentAtMs: NOW_MS - 1_000 });
    expect(classifyMachine(machine(), launching, asked)).toEqual({ claimed: false, reason: 'copy' });
  });

  it('a machine is claimed even if its record belongs to another connection', () => {
    expect(classifyMachine(machine(), { ...bound, connectionKey: 'sim/default/b' }, asked)).toEqual({
      claimed: true,
    });
  });

  it('a sweep expects a machine if its record is bound, not in transition, not closed, and older than the consistency window', () => {
    const at = (ms: number) => iso(NOW_MS - ms);
    expect(isExpected({ ...bound, launchedAt: at(6_000) }, asked)).toBe(true);
    expect(isExpected({ ...bound, launchedAt: at(4_000) }, asked)).toBe(false);
    expect(isExpected({ ...bound, launchedAt: at(6_000), status: 'Terminating' }, asked)).toBe(false);
    expect(isExpected({ ...bound, launchedAt: at(6_000), status: 'Failed' }, asked)).toBe(false);
    expect(isExpected(record({ status: 'Running', launchedAt: at(6_000) }), asked)).toBe(false);
  });
});

it('a network resource is claimed by a record of its kind and name, unless the record is Gone or has another backend id', () => {
  const item: NetworkItem = {
    fleetId: 'f0123456789abcdef',
    connectionKey: 'sim/default/sim-aws',
    location: asked.location,
    kind: 'network',
    name: 'net',
    status: 'Creating',
    failingSinceMs: 0,
    claimUntilMs: 0,
    neededBy: [],
  };
  const shown = { kind: 'network' as const, name: 'net', backendId: 'vpc-1' };
  const claimed = { claimed: true };
  expect(classifyResource(shown, [item])).toEqual(claimed);
  expect(classifyResource(shown, [{ ...item, backendId: 'vpc-1' }])).toEqual(claimed);
  expect(classifyResource(shown, [{ ...item, backendId: 'vpc-2' }])).toMatchObject({ reason: 'duplicate' });
  expect(classifyResource(shown, [{ ...item, kind: 'key-pair' }])).toMatchObject({ reason: 'no-record' });
  expect(classifyResource(shown, [])).toEqual({ claimed: false, reason: 'no-record' });
  const gone = { ...item, status: 'Gone' as const };
  expect(classifyResource(shown, [gone])).toEqual({ claimed: false, reason: 'record-closed' });
});

describe('the state of a finding', () => {
  const policy = orphanPolicySchema.parse({});
  const reporting = orphanPolicySchema.parse({ action: 'report' });
  const unknown = { claimed: false, reason: 'record-closed' } as const;
  const strange = { claimed: false, reason: 'no-record' } as const;
  const copy = { claimed: false, reason: 'copy' } as const;
  const duplicate = { claimed: false, reason: 'duplicate' } as const;
  const item = (state: OrphanItem['state'], ageSeconds = 0, kind: OrphanItem['kind'] = 'instance') => ({
    kind,
    state,
    reason: 'no-record' as const,
    firstSeenAt: iso(NOW_MS - ageSeconds * 1_000),
  });

  it.each([
    ['is Quarantined at first', undefined, unknown, policy, 'Quarantined'],
    [
      'becomes Quarantined again when its machine is shown again',
      item('Terminated', 9_999),
      unknown,
      policy,
      'Quarantined',
    ],
    ['stays Quarantined for the grace period', item('Quarantined', 1_799), unknown, policy, undefined],
    [
      'becomes Terminating after the grace period',
      item('Quarantined', 1_800),
      unknown,
      policy,
      'Terminating',
    ],
    [
      'becomes Reported after the grace period if the policy’s action is `report`',
      item('Quarantined', 1_800),
      unknown,
      reporting,
      'Reported',
    ],
    [
      'stays Reported while the policy’s action is `report`',
      item('Reported', 9_999),
      unknown,
      reporting,
      undefined,
    ],
    [
      'becomes Terminating when the policy’s action is no longer `report`',
      item('Reported', 9_999),
      unknown,
      policy,
      'Terminating',
    ],
    [
      'changes from Terminating to Reported when the policy’s action becomes `report`',
      item('Terminating'),
      unknown,
      reporting,
      'Reported',
    ],
    ['stays Terminating while its machine is shown', item('Terminating', 99_999), unknown, policy, undefined],
    [
      'about a duplicate becomes Terminating without a grace period',
      item('Quarantined'),
      duplicate,
      policy,
      'Terminating',
    ],
    [
      'about a machine without a record becomes Reported and not Terminating',
      item('Quarantined', 1_800),
      strange,
      policy,
      'Reported',
    ],
    [
      'changes from Terminating to Reported when its machine proves to be a copy',
      item('Terminating'),
      copy,
      policy,
      'Reported',
    ],
    ['about a copy becomes Reported without a grace period', item('Quarantined'), copy, policy, 'Reported'],
    ['about a copy stays Reported', item('Reported', 9_999), copy, policy, undefined],
    [
      'about a duplicate network stays Quarantined for the grace period',
      item('Quarantined', 0, 'network'),
      duplicate,
      policy,
      undefined,
    ],
    [
      'becomes Released when its machine is claimed',
      item('Quarantined'),
      { claimed: true },
      policy,
      'Released',
    ],
    ['is not made about a claimed machine', undefined, { claimed: true }, policy, undefined],
    [
      'that is closed stays closed when its machine is claimed',
      item('Gone'),
      { claimed: true },
      policy,
      undefined,
    ],
  ] as const)('a finding %s', (_, found, verdict, setting, expected) => {
    expect(nextState(found, verdict, setting, NOW_MS)).toBe(expected);
  });

  it('a finding ends as Terminated if its removal was requested, and otherwise as Gone', () => {
    expect(stateWhenGone('Terminating')).toBe('Terminated');
    expect(stateWhenGone('Quarantined')).toBe('Gone');
  });

  it('a finding about a missing machine ends when its record is closed or when the machine is back', () => {
    const missing = { backendId: 'i-1' };
    const failure = { code: 'Vanished', message: 'gone' };
    expect(stateOfMissing(missing, bound, false)).toBeUndefined();
    expect(stateOfMissing(missing, bound, true)).toBe('Released');
    expect(stateOfMissing(missing, { ...bound, status: 'Terminated', failure }, false)).toBe('Vanished');
    expect(stateOfMissing(missing, { ...bound, status: 'Terminated' }, false)).toBe('Released');
    expect(stateOfMissing(missing, undefined, false)).toBe('Released');
  });
});

it('a sweep removes machines first, then key pairs and security groups, and networks last', () => {
  const of = (kind: OrphanItem['kind']) => ({ kind, backendId: kind, isLeaving: false });
  const all = [of('network'), of('key-pair'), of('security-group'), of('instance')];
  const kinds = (left: typeof all) => firstToGo(left).map(({ kind }) => kind);
  expect(kinds(all)).toEqual(['instance']);
  expect(kinds(all.slice(0, 3))).toEqual(['key-pair', 'security-group']);
  expect(kinds(all.slice(0, 1))).toEqual(['network']);
});
