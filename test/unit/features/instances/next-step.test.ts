import { describe, expect, it } from 'vitest';
import { nextStep, outcomeOf } from '../../../../functions/features/instances/next-step.ts';
import { record } from '../../../samples/records.ts';

const WINDOW_MS = 5_000;
const CLAIM_MS = 30_000;
const TIMES = { consistencyWindowMs: WINDOW_MS, claimMs: CLAIM_MS };

describe('nextStep', () => {
  it('the worker claims an instance that has no record yet', () => {
    expect(nextStep(undefined, { message: { round: 1 } }, TIMES)).toEqual({ step: 'claim' });
  });

  it('if another worker has claimed the instance, a launch waits for the claim time and the consistency window, then looks up the machine', () => {
    const claimed = record({ launchState: 'claimed', claimUntilMs: 90_000 });
    const waiting = { step: 'wait', waitMs: CLAIM_MS + WINDOW_MS, marks: { waitedFor: 90_000 } };
    expect(nextStep(claimed, { message: { round: 1 } }, TIMES)).toEqual(waiting);
    expect(nextStep(claimed, { message: { round: 1, waitedFor: 90_000 } }, TIMES)).toMatchObject({
      step: 'look-up',
    });
  });

  it('a launch waits again if another worker took over the claim during the wait', () => {
    const claimed = record({ launchState: 'claimed', claimUntilMs: 180_000 });
    expect(nextStep(claimed, { message: { round: 1, waitedFor: 90_000 } }, TIMES)).toEqual({
      step: 'wait',
      waitMs: CLAIM_MS + WINDOW_MS,
      marks: { waitedFor: 180_000 },
    });
  });

  it('if the outcome of the create call is unknown, a launch waits for the consistency window, then looks up the machine', () => {
    const unknown = record({ launchState: 'unknown', unknownSinceMs: 10_000, claimUntilMs: 0 });
    const waiting = { step: 'wait', waitMs: WINDOW_MS, marks: { waitedFor: 10_000 } };
    expect(nextStep(unknown, { message: { round: 1 } }, TIMES)).toEqual(waiting);
    expect(nextStep(unknown, { message: { round: 1, waitedFor: 10_000 } }, TIMES)).toMatchObject({
      step: 'look-up',
    });
  });

  it('if an earlier worker of the message died, the launch waits for the rest of the claim time by SQS’s clock', () => {
    const claimed = record({ launchState: 'claimed', claimUntilMs: 90_000, claimedBy: 'm1' });
    const first = { messageId: 'm1', receives: 2, sentAtMs: 900_000, firstReceivedAtMs: 1_000_000 };
    const claimSeen = { claimUntilMs: 90_000, sinceMs: 1_000_000 };
    expect(nextStep(claimed, { message: { round: 1 }, delivery: first }, TIMES)).toEqual({
      step: 'wait',
      waitMs: 0,
      marks: { claimSeen },
    });
    const message = { round: 1, claimSeen };
    const sentAfter = (ms: number) => ({ messageId: 'm2', receives: 1, sentAtMs: 1_000_000 + ms });
    const early = nextStep(claimed, { message, delivery: sentAfter(CLAIM_MS) }, TIMES);
    expect(early).toEqual({ step: 'wait', waitMs: WINDOW_MS, marks: { waitedFor: 90_000 } });
    const late = nextStep(claimed, { message, delivery: sentAfter(CLAIM_MS + WINDOW_MS) }, TIMES);
    expect(late).toMatchObject({ step: 'look-up' });
  });

  it('a launch waits for the whole claim time if another message made the claim or the claim’s start is unknown', () => {
    const whole = { step: 'wait', waitMs: CLAIM_MS + WINDOW_MS, marks: { waitedFor: 90_000 } };
    const delivery = { messageId: 'm1', receives: 3, sentAtMs: 2_000_000, firstReceivedAtMs: 1_000_000 };
    const step = (claimedBy: string, launch: Parameters<typeof nextStep>[1]) =>
      nextStep(record({ launchState: 'claimed', claimUntilMs: 90_000, claimedBy }), launch, TIMES);
    expect(step('', { message: { round: 1 }, delivery })).toEqual(whole);
    expect(step('m2', { message: { round: 1 }, delivery })).toEqual(whole);
    expect(step('m1', { message: { round: 1 } })).toEqual(whole);
    const other = { round: 1, claimSeen: { claimUntilMs: 80_000, sinceMs: 1_000_000 } };
    expect(step('m2', { message: other, delivery })).toEqual(whole);
  });

  it('a launch repeats its create call immediately if the cloud refused the call', () => {
    expect(nextStep(record({ launchState: 'refused' }), { message: { round: 1 } }, TIMES)).toMatchObject({
      step: 'create',
    });
  });

  it('if the cloud accepted the call, a launch leaves the instance to the poll loop', () => {
    expect(nextStep(record({ launchState: 'accepted' }), { message: { round: 1 } }, TIMES)).toMatchObject({
      step: 'leave',
    });
  });

  it('nothing is left to do for a launch whose outcome follows from the record’s status', () => {
    expect(nextStep(record({ status: 'Running' }), { message: { round: 1 } }, TIMES)).toEqual({
      step: 'none',
    });
    expect(outcomeOf({ status: 'Failed' })).toBe('Failed');
    expect(outcomeOf({ status: 'Terminated' })).toBe('Cancelled');
    expect(outcomeOf({ status: 'Terminating', closeAs: 'Failed' })).toBe('Failed');
    expect(outcomeOf({ status: 'Terminating' })).toBe('Cancelled');
    expect(outcomeOf({ status: 'Creating' })).toBeUndefined();
  });
});

describe('nextStep in a later round', () => {
  const at = (fields: Parameters<typeof record>[0], round = 2) =>
    nextStep(record({ round: 1, ...fields }), { message: { round, waitedFor: 0 } }, TIMES);

  it.each(['Failed', 'Terminated'] as const)(
    'a launch of a later round claims an instance that became %s in an earlier round',
    (status) => {
      expect(at({ status })).toMatchObject({ step: 'claim', replaces: { status, round: 1 } });
      expect(at({ status }, 1)).toEqual({ step: 'none' });
    },
  );

  it('a launch claims a Planned instance in any round', () => {
    for (const round of [1, 2]) {
      expect(at({ status: 'Planned', launchState: 'refused' }, round)).toMatchObject({
        step: 'claim',
        replaces: { status: 'Planned' },
      });
    }
  });

  it('nothing is left to do for a launch of a later round if the instance runs', () => {
    expect(at({ status: 'Running' })).toEqual({ step: 'none' });
  });

  it('a launch of a later round continues an attempt that has not ended', () => {
    expect(at({ launchState: 'accepted' })).toMatchObject({ step: 'leave' });
    expect(at({ launchState: 'refused' })).toMatchObject({ step: 'create' });
    expect(at({ launchState: 'unknown', unknownSinceMs: 0 })).toMatchObject({ step: 'look-up' });
  });

  it.each([{ closeAs: 'Failed' }, { closeAs: 'Terminated' }, {}] as const)(
    'while a machine is removed and no move follows (%j), a launch of a later round waits, and a launch of the record’s round has nothing to do',
    (fields) => {
      const leaving = { status: 'Terminating', ...fields } as const;
      expect(at(leaving)).toEqual({ step: 'wait', waitMs: 5_000 });
      expect(at(leaving, 1)).toEqual({ step: 'none' });
    },
  );

  it('a launch leaves an instance that is about to move, whose launch has no outcome', () => {
    const leaving = { status: 'Terminating', closeAs: 'Planned' } as const;
    for (const round of [1, 2]) expect(at(leaving, round)).toMatchObject({ step: 'leave' });
    expect(outcomeOf(leaving)).toBeUndefined();
    expect(outcomeOf({ status: 'Planned' })).toBeUndefined();
  });
});
