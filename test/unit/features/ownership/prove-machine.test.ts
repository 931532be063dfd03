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

describe('a machine at a cloud that tells when it was made', () => {
  const WIDENED_MS = LONGEST_MS + CLOCK_SKEW_MS;

  it.each([
    ['while its attempt was under way', SENT_MS + 1_000, 'proven'],
    ['by a clock that is behind', SENT_MS - CLOCK_SKEW_MS, 'proven'],
    ['by a call that took its time', ACCEPTED_MS + WIDENED_MS, 'proven'],
    ['before its attempt', SENT_MS - CLOCK_SKEW_MS - 1, 'copy'],
    ['after its attempt', ACCEPTED_MS + WIDENED_MS + 1, 'copy'],
    ['a day later', SENT_MS + DAY_MS, 'copy'],
  ] as const)('and was made %s', (_, createdAtMs, proof) => {
    expect(proveMachine(shown({ createdAtMs }), running, byTime)).toBe(proof);
  });

  it.each([
    ['has no record', undefined, machine({ createdAtMs: SENT_MS })],
    ['has no time', running, machine()],
    ['has no launch token', running, machine({ createdAtMs: SENT_MS, launchToken: '' })],
    [
      'has the token of an attempt that no record knows of',
      running,
      machine({ createdAtMs: SENT_MS, launchToken: 'f0123456789abcdef-00000.7' }),
    ],
  ])('is not proven when it %s', (_, known, one) => {
    expect(proveMachine({ machine: one, ...SEEN }, known, byTime)).toBe('unproven');
  });

  it('is proven by the id that an attempt was answered with', () => {
    expect(proveMachine(shown({ backendId: 'i-1' }), running, byTime)).toBe('proven');
  });

  it('is made now when the cloud is still making it', () => {
    const open = record({ firstSentAtMs: NOW_MS - 60_000, launchState: 'unknown' });
    expect(proveMachine(shown({ status: 'Creating' }), open, byTime)).toBe('proven');
    expect(proveMachine(shown({ status: 'Creating' }), running, byTime)).toBe('copy');
  });

  it('may be as young as can be while its attempt has not ended', () => {
    const open = record({ firstSentAtMs: SENT_MS, launchState: 'unknown' });
    expect(proveMachine(shown({ createdAtMs: NOW_MS }), open, byTime)).toBe('proven');
  });

  it('is a copy when it was made long after the last claim, though its attempt stayed open or was closed late', () => {
    const claimUntilMs = SENT_MS + 130_000;
    const late = record({ firstSentAtMs: SENT_MS, claimUntilMs, launchState: 'claimed' });
    const accepted = { ...late, launchState: 'accepted', backendId: 'i-1', acceptedAtMs: NOW_MS } as const;
    const closed = { ...late, status: 'Failed', terminatedAt: new Date(NOW_MS).toISOString() } as const;
    for (const one of [late, accepted, closed]) {
      expect(proveMachine(shown({ createdAtMs: SENT_MS + DAY_MS }), one, byTime)).toBe('copy');
      expect(proveMachine(shown({ createdAtMs: claimUntilMs + LONGEST_MS }), one, byTime)).toBe('proven');
    }
  });

  it('is held against the time of its own attempt, of the earlier ones too', () => {
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

describe('a machine at a cloud that tells the key of the call that made it', () => {
  const batch = { ...running, idempotencyKeys: ['batch'] };

  it.each([
    ['of its own call', 'key of f0123456789abcdef-00000.1', 'proven'],
    ['that its record keeps', 'batch', 'proven'],
    ['of another call', 'console', 'copy'],
    ['that it does not have', undefined, 'copy'],
  ] as const)('with a key %s', (_, idempotencyKey, proof) => {
    const one = idempotencyKey === undefined ? {} : { idempotencyKey };
    // When it was made proves nothing there: each start sets that time again.
    expect(proveMachine(shown({ ...one, createdAtMs: SENT_MS }), batch, byKey)).toBe(proof);
  });

  it('is proven without its own token, as long as the key is one of its instance', () => {
    const { launchToken: _, ...nameless } = machine({ idempotencyKey: 'batch' });
    expect(proveMachine({ machine: nameless, ...SEEN }, batch, byKey)).toBe('proven');
  });

  it('is not proven without a record, whatever its key', () => {
    const one = shown({ idempotencyKey: 'key of f0123456789abcdef-00000.1' });
    expect(proveMachine(one, undefined, byKey)).toBe('unproven');
  });
});

describe('a machine at a cloud whose ids are names', () => {
  it('is proven by its name where the cloud itself keeps names, by its time elsewhere', () => {
    const named = shown({ idempotencyKey: 'name of f0123456789abcdef-00000.1', createdAtMs: NOW_MS });
    expect(proveMachine(named, running, byName)).toBe('proven');
    expect(proveMachine(shown({ createdAtMs: SENT_MS }), running, byName)).toBe('proven');
    expect(proveMachine(shown({ createdAtMs: NOW_MS }), running, byName)).toBe('copy');
    expect(proveMachine(shown(), running, byName)).toBe('unproven');
  });

  it('is not the one that a record is bound to for having its name', () => {
    const copy = shown({ backendId: 'i-1', createdAtMs: NOW_MS });
    expect(isBoundTo(running, copy, byName)).toBe(false);
    expect(isBoundTo(running, shown({ backendId: 'i-1', createdAtMs: SENT_MS }), byName)).toBe(true);
    expect(isBoundTo(running, copy, byTime)).toBe(true);
    expect(isBoundTo(running, shown(), byTime)).toBe(false);
  });
});

describe('attempts', () => {
  it('are kept as they ended, the latest of them', () => {
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

  it('end when the cloud accepted them, and what became of the machine later changes nothing', () => {
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

  it('keep the keys of all their calls, the latest last', () => {
    expect(keysWith(undefined, undefined)).toBeUndefined();
    expect(keysWith(['a', 'b'], 'a')).toEqual(['b', 'a']);
    expect(keysWith(['a', 'b', 'c', 'd', 'e', 'f'], 'g')).toEqual(['b', 'c', 'd', 'e', 'f', 'g']);
  });
});
