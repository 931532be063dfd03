import { describe, expect, it } from 'vitest';
import type { CloudInstance } from '../../../../functions/drivers/contract/driver.ts';
import { attemptsAfter, keysWith } from '../../../../functions/features/ownership/attempts.ts';
import {
  isBoundTo,
  type ProofTerms,
  proveMachine,
} from '../../../../functions/features/ownership/prove-machine.ts';
import { CLOCK_SKEW_MS } from '../../../../functions/model/clock-skew.ts';
import { record } from '../../../samples/records.ts';

const DAY_MS = 86_400_000;
const SENT_MS = 10 * DAY_MS;
const ACCEPTED_MS = SENT_MS + 5_000;
const LONGEST_MS = 60_000;
const NOW_MS = 12 * DAY_MS;
const SEEN = { location: 'us-east-1', atMs: NOW_MS };
const TOKEN = 'f0123456789abcdef-00000.1';

const machine = (fields: Partial<CloudInstance> = {}): CloudInstance => ({
  backendId: 'i-2',
  instanceId: 'f0123456789abcdef-00000',
  launchToken: TOKEN,
  status: 'Running',
  ...fields,
});
const shown = (fields: Partial<CloudInstance> = {}) => ({ machine: machine(fields), ...SEEN });
const running = record({
  status: 'Running',
  backendId: 'i-1',
  firstSentAtMs: SENT_MS,
  acceptedAtMs: ACCEPTED_MS,
});
const byTime: ProofTerms = {
  longestCreateMs: LONGEST_MS,
  machineProof: ['creation-time'],
  backendIds: 'unique',
};
const byKey: ProofTerms = {
  longestCreateMs: LONGEST_MS,
  machineProof: ['idempotency-key'],
  backendIds: 'unique',
  keyOf: (token) => `key of ${token}`,
};
const byName: ProofTerms = {
  longestCreateMs: LONGEST_MS,
  machineProof: ['idempotency-key', 'creation-time'],
  backendIds: 'names',
  keyOf: (token) => `name of ${token}`,
};

// A machine is `proven` if a call of this deployment made it. A `copy` has this deployment's tags, but another call
// made it, such as a restore from a backup.
describe('proof by creation time', () => {
  const WIDENED_MS = LONGEST_MS + CLOCK_SKEW_MS;

  it.each([
    ['a machine that was made during its attempt is proven', SENT_MS + 1_000, 'proven'],
    [
      'a machine that was made before its attempt, within the clock skew, is proven',
      SENT_MS - CLOCK_SKEW_MS,
      'proven',
    ],
    [
      'a machine that was made after its attempt, within the longest create and the clock skew, is proven',
      ACCEPTED_MS + WIDENED_MS,
      'proven',
    ],
    [
      'a machine that was made before its attempt by more than the clock skew is a copy',
      SENT_MS - CLOCK_SKEW_MS - 1,
      'copy',
    ],
    [
      'a machine that was made later than the longest create and the clock skew allow is a copy',
      ACCEPTED_MS + WIDENED_MS + 1,
      'copy',
    ],
    ['a machine that was made a day after its attempt is a copy', SENT_MS + DAY_MS, 'copy'],
  ] as const)('%s', (_, createdAtMs, proof) => {
    expect(proveMachine(shown({ createdAtMs }), running, byTime)).toBe(proof);
  });

  it.each([
    ['has no record', undefined, machine({ createdAtMs: SENT_MS })],
    ['has no creation time', running, machine()],
    ['has no launch token', running, machine({ createdAtMs: SENT_MS, launchToken: '' })],
    [
      'has the launch token of an attempt that is not in its record',
      running,
      machine({ createdAtMs: SENT_MS, launchToken: 'f0123456789abcdef-00000.7' }),
    ],
  ])('a machine is unproven if it %s', (_, known, one) => {
    expect(proveMachine({ machine: one, ...SEEN }, known, byTime)).toBe('unproven');
  });

  it('a machine is proven if the record of its attempt contains the machine’s backend id', () => {
    expect(proveMachine(shown({ backendId: 'i-1' }), running, byTime)).toBe('proven');
  });

  it('a machine in Creating counts as made now', () => {
    const open = record({ firstSentAtMs: NOW_MS - 60_000, launchState: 'unknown' });
    expect(proveMachine(shown({ status: 'Creating' }), open, byTime)).toBe('proven');
    expect(proveMachine(shown({ status: 'Creating' }), running, byTime)).toBe('copy');
  });

  it('while an attempt has not ended, a machine that was made long after the attempt’s first call is proven', () => {
    const open = record({ firstSentAtMs: SENT_MS, launchState: 'unknown' });
    expect(proveMachine(shown({ createdAtMs: NOW_MS }), open, byTime)).toBe('proven');
  });

  it('a machine that was made long after the last claim is a copy, even if its attempt ended late or not at all', () => {
    const claimUntilMs = SENT_MS + 130_000;
    const late = record({ firstSentAtMs: SENT_MS, claimUntilMs, launchState: 'claimed' });
    const accepted = { ...late, launchState: 'accepted', backendId: 'i-1', acceptedAtMs: NOW_MS } as const;
    const closed = { ...late, status: 'Failed', terminatedAt: new Date(NOW_MS).toISOString() } as const;
    for (const one of [late, accepted, closed]) {
      expect(proveMachine(shown({ createdAtMs: SENT_MS + DAY_MS }), one, byTime)).toBe('copy');
      expect(proveMachine(shown({ createdAtMs: claimUntilMs + LONGEST_MS }), one, byTime)).toBe('proven');
    }
  });

  it('a machine is compared with the times of its own attempt, even if the record has later attempts', () => {
    const moved = record({
      ...running,
      launchToken: 'f0123456789abcdef-00000.2',
      firstSentAtMs: SENT_MS + DAY_MS,
      acceptedAtMs: SENT_MS + DAY_MS,
      earlierAttempts: [
        { launchToken: TOKEN, location: 'us-east-1', firstSentAtMs: SENT_MS, closedAtMs: ACCEPTED_MS },
      ],
    });
    expect(proveMachine(shown({ createdAtMs: SENT_MS }), moved, byTime)).toBe('proven');
    expect(proveMachine(shown({ createdAtMs: SENT_MS + DAY_MS }), moved, byTime)).toBe('copy');
  });
});

describe('proof by idempotency key', () => {
  const batch = { ...running, idempotencyKeys: ['batch'] };

  it.each([
    ['a machine with the key of its own call is proven', 'key of f0123456789abcdef-00000.1', 'proven'],
    ['a machine with a key that is in its record is proven', 'batch', 'proven'],
    ['a machine with the key of another call is a copy', 'console', 'copy'],
    ['a machine without a key is a copy', undefined, 'copy'],
  ] as const)('%s', (_, idempotencyKey, proof) => {
    const one = idempotencyKey === undefined ? {} : { idempotencyKey };
    // A creation time proves nothing at a cloud that sets a new creation time at each start of a machine.
    expect(proveMachine(shown({ ...one, createdAtMs: SENT_MS }), batch, byKey)).toBe(proof);
  });

  it('a machine without a launch token is proven by a key in the record of its instance', () => {
    const { launchToken: _, ...nameless } = machine({ idempotencyKey: 'batch' });
    expect(proveMachine({ machine: nameless, ...SEEN }, batch, byKey)).toBe('proven');
  });

  it('a machine without a record is unproven even with a key', () => {
    const one = shown({ idempotencyKey: 'key of f0123456789abcdef-00000.1' });
    expect(proveMachine(one, undefined, byKey)).toBe('unproven');
  });
});

describe('backend ids that are names', () => {
  it('a machine whose backend id is a name is proven by its key or by its creation time', () => {
    const named = shown({ idempotencyKey: 'name of f0123456789abcdef-00000.1', createdAtMs: NOW_MS });
    expect(proveMachine(named, running, byName)).toBe('proven');
    expect(proveMachine(shown({ createdAtMs: SENT_MS }), running, byName)).toBe('proven');
    expect(proveMachine(shown({ createdAtMs: NOW_MS }), running, byName)).toBe('copy');
    expect(proveMachine(shown(), running, byName)).toBe('unproven');
  });

  it('a record is not bound to a copy that has the name of the record’s machine', () => {
    const copy = shown({ backendId: 'i-1', createdAtMs: NOW_MS });
    expect(isBoundTo(running, copy, byName)).toBe(false);
    expect(isBoundTo(running, shown({ backendId: 'i-1', createdAtMs: SENT_MS }), byName)).toBe(true);
    expect(isBoundTo(running, copy, byTime)).toBe(true);
    expect(isBoundTo(running, shown(), byTime)).toBe(false);
  });
});

describe('attempts', () => {
  it('a record keeps its latest twelve attempts, with the time at which each attempt was closed', () => {
    let now = record({ firstSentAtMs: 0, launchState: 'refused' });
    for (let attempt = 1; attempt <= 30; attempt += 1) {
      const earlierAttempts = attemptsAfter({ ...now, launchToken: `t.${attempt}` }, 1_000 * attempt);
      now = record({ firstSentAtMs: 1_000 * attempt, launchState: 'refused', earlierAttempts });
    }
    expect(now.earlierAttempts).toHaveLength(12);
    expect(now.earlierAttempts?.at(-1)).toEqual({
      launchToken: 't.30',
      location: 'us-east-1',
      firstSentAtMs: 29_000,
      closedAtMs: 30_000,
    });
  });

  it('an attempt’s closing time is the time when the cloud accepted its call, even if the machine vanishes later', () => {
    const gone = {
      ...running,
      status: 'Terminated' as const,
      terminatedAt: new Date(NOW_MS).toISOString(),
      failure: { code: 'Vanished', message: 'gone' },
    };
    expect(attemptsAfter(gone, NOW_MS + DAY_MS)).toMatchObject([
      { closedAtMs: ACCEPTED_MS, backendId: 'i-1', vanished: true },
    ]);
  });

  it('an attempt keeps the keys of its latest six calls, in order of use', () => {
    expect(keysWith(undefined, undefined)).toBeUndefined();
    expect(keysWith(['a', 'b'], 'a')).toEqual(['b', 'a']);
    expect(keysWith(['a', 'b', 'c', 'd', 'e', 'f'], 'g')).toEqual(['b', 'c', 'd', 'e', 'f', 'g']);
  });
});
