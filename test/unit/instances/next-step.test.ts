import { describe, expect, it } from 'vitest';
import { nextStep, outcomeOf } from '../../../functions/instances/next-step.ts';
import { record } from '../records.ts';

const WINDOW_MS = 5_000;

describe('nextStep', () => {
  it('claims what nobody claimed', () => {
    expect(nextStep(undefined, { round: 1 }, WINDOW_MS)).toEqual({ step: 'claim' });
  });

  it('waits while another worker may be calling, and for what a list may not show yet', () => {
    const claimed = record({ launchState: 'claimed', claimUntilMs: 90_000 });
    const waiting = { step: 'wait', waitMs: 95_000, waitedFor: 90_000 };
    expect(nextStep(claimed, { round: 1 }, WINDOW_MS)).toEqual(waiting);
    expect(nextStep(claimed, { round: 1, waitedFor: 90_000 }, WINDOW_MS)).toMatchObject({ step: 'look-up' });
  });

  it('begins to wait anew when somebody else has the claim by then', () => {
    const claimed = record({ launchState: 'claimed', claimUntilMs: 180_000 });
    expect(nextStep(claimed, { round: 1, waitedFor: 90_000 }, WINDOW_MS)).toEqual({
      step: 'wait',
      waitMs: 95_000,
      waitedFor: 180_000,
    });
  });

  it('looks an unknown outcome up before anything else, and not too early', () => {
    const unknown = record({ launchState: 'unknown', unknownSinceMs: 10_000, claimUntilMs: 0 });
    const waiting = { step: 'wait', waitMs: WINDOW_MS, waitedFor: 10_000 };
    expect(nextStep(unknown, { round: 1 }, WINDOW_MS)).toEqual(waiting);
    expect(nextStep(unknown, { round: 1, waitedFor: 10_000 }, WINDOW_MS)).toMatchObject({ step: 'look-up' });
  });

  it('calls again at once where the cloud took nothing', () => {
    expect(nextStep(record({ launchState: 'refused' }), { round: 1 }, WINDOW_MS)).toMatchObject({
      step: 'create',
    });
  });

  it('leaves an accepted one to the status loop', () => {
    expect(nextStep(record({ launchState: 'accepted' }), { round: 1 }, WINDOW_MS)).toMatchObject({
      step: 'hand-over',
    });
  });

  it('answers what has an outcome', () => {
    expect(nextStep(record({ status: 'Running' }), { round: 1 }, WINDOW_MS)).toEqual({
      step: 'answer',
      outcome: 'Running',
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
    nextStep(record({ round: 1, ...fields }), { round, waitedFor: 0 }, WINDOW_MS);

  it.each(['Failed', 'Terminated'] as const)('attempts again what ended %s in an earlier one', (status) => {
    expect(at({ status })).toMatchObject({ step: 'claim', replaces: { status, round: 1 } });
    expect(at({ status }, 1)).toMatchObject({ step: 'answer' });
  });

  it('attempts what is Planned in whatever round', () => {
    for (const round of [1, 2]) {
      expect(at({ status: 'Planned', launchState: 'refused' }, round)).toMatchObject({
        step: 'claim',
        replaces: { status: 'Planned' },
      });
    }
  });

  it('leaves what runs, and answers for it', () => {
    expect(at({ status: 'Running' })).toEqual({ step: 'answer', outcome: 'Running' });
  });

  it('goes on with an attempt that stands', () => {
    expect(at({ launchState: 'accepted' })).toMatchObject({ step: 'hand-over' });
    expect(at({ launchState: 'refused' })).toMatchObject({ step: 'create' });
    expect(at({ launchState: 'unknown', unknownSinceMs: 0 })).toMatchObject({ step: 'look-up' });
  });

  it('waits for what failed in an earlier round to be gone, and answers for that of its own', () => {
    const failing = { status: 'Terminating', closeAs: 'Failed' } as const;
    expect(at(failing)).toEqual({ step: 'wait', waitMs: 5_000 });
    expect(at(failing, 1)).toEqual({ step: 'answer', outcome: 'Failed' });
  });

  it('is cancelled by a removal', () => {
    expect(at({ status: 'Terminating' })).toEqual({ step: 'answer', outcome: 'Cancelled' });
  });

  it('hands what is to be attempted elsewhere the token that its next launch is to answer', () => {
    const leaving = { status: 'Terminating', closeAs: 'Planned' } as const;
    for (const round of [1, 2]) expect(at(leaving, round)).toMatchObject({ step: 'hand-over' });
    expect(outcomeOf(leaving)).toBeUndefined();
    expect(outcomeOf({ status: 'Planned' })).toBeUndefined();
  });
});
