import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { countAnswer, refusalBy } from '../../../../functions/features/instances/unknown-answers.ts';

const MINUTE = 60_000;
const answer = (message: string) => new DriverError('OutcomeUnknown', message, { answered: true });

/** Counts answers to one create call. The answers arrive every 20 s, the first one at time 0. */
function answersOf(messages: readonly string[]) {
  let known: ReturnType<typeof countAnswer>;
  for (const [at, message] of messages.entries()) known = countAnswer(known, answer(message), at * 20_000);
  return known;
}

describe('an answer that leaves the outcome unknown', () => {
  it('an answer with a different text starts a new count', () => {
    const known = answersOf(['no', 'no', 'yes', 'yes']);
    expect(known).toEqual({ words: 'yes', times: 2, firstAtMs: 40_000 });
  });

  it('answers that differ only in ids and numbers are counted as equal', () => {
    const last = 'no (id 2E11AA00-77bb-4dd0-8e00-1a1b1c1d1e1f, try 12)';
    const known = answersOf([
      'no (id 1f0a77d2-11aa-42cc-9d00-0a0b0c0d0e0f, try 3)',
      'no (id 2e11aa00, try 4)',
      last,
    ]);
    expect(known).toEqual({ words: last, times: 3, firstAtMs: 0 });
  });

  it('three equal answers count as a refusal once a minute has passed since the first answer', () => {
    expect(refusalBy(answersOf(['no', 'no']), 2 * MINUTE)).toBeUndefined();
    expect(refusalBy(answersOf(['no', 'no', 'no']), MINUTE - 1)).toBeUndefined();
    expect(refusalBy(answersOf(['no', 'no', 'no']), MINUTE)).toEqual({ code: 'CloudFailed', message: 'no' });
    expect(refusalBy(undefined, MINUTE)).toBeUndefined();
  });

  it('a call without an answer is not counted', () => {
    expect(countAnswer(undefined, new DriverError('OutcomeUnknown', 'time-out'), 0)).toBeUndefined();
  });
});
