import { describe, expect, it } from 'vitest';
import { nextStep, outcomeOf } from '../../../functions/instances/next-step.ts';
import { record } from '../records.ts';

const WINDOW_MS = 5_000;

describe('nextStep', () => {
  it('claims what nobody claimed', () => {
    expect(nextStep(undefined, 0, WINDOW_MS)).toEqual({ step: 'claim' });
  });

  it('waits while another worker may be calling, and for what a list may not show yet', () => {
    const claimed = record({ launchState: 'claimed', claimUntilMs: 90_000 });
    expect(nextStep(claimed, 80_000, WINDOW_MS)).toEqual({ step: 'wait', waitMs: 15_000 });
    expect(nextStep(claimed, 95_000, WINDOW_MS)).toMatchObject({ step: 'look-up' });
  });

  it('looks an unknown outcome up before anything else, and not too early', () => {
    const unknown = record({ launchState: 'unknown', unknownSinceMs: 10_000, claimUntilMs: 0 });
    expect(nextStep(unknown, 12_000, WINDOW_MS)).toEqual({ step: 'wait', waitMs: 3_000 });
    expect(nextStep(unknown, 15_000, WINDOW_MS)).toMatchObject({ step: 'look-up' });
  });

  it('calls again at once where the cloud took nothing', () => {
    expect(nextStep(record({ launchState: 'refused' }), 0, WINDOW_MS)).toMatchObject({ step: 'create' });
  });

  it('leaves an accepted one to the status loop', () => {
    expect(nextStep(record({ launchState: 'accepted' }), 0, WINDOW_MS)).toMatchObject({ step: 'hand-over' });
  });

  it('answers what has an outcome', () => {
    expect(nextStep(record({ status: 'Running' }), 0, WINDOW_MS)).toEqual({
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
