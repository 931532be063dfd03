import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { countAnswer, refusalBy } from '../../../../functions/features/instances/unknown-answers.ts';

const MINUTE = 60_000;
const answer = (message: string) => new DriverError('OutcomeUnknown', message, { answered: true });

/** Counts the answers of one call, which come every twenty seconds. */
function answersOf(messages: readonly string[]) {
  let known: ReturnType<typeof countAnswer>;
  for (const [at, message] of messages.entries()) known = countAnswer(known, answer(message), at * 20_000);
  return known;
}

describe('an answer that no table classifies', () => {
  it('an answer with other words starts a new count', () => {
    const known = answersOf([
      'no (id 1f0a77d2-11aa-42cc-9d00-0a0b0c0d0e0f)',
      'no (id 2e11aa00-1)',
      'yes',
      'yes',
    ]);
    expect(known).toEqual({ words: 'yes', times: 2, firstAtMs: 40_000 });
  });

  it('three equal answers are a refusal once a minute has passed since the first', () => {
    expect(refusalBy(answersOf(['no', 'no']), 2 * MINUTE)).toBeUndefined();
    expect(refusalBy(answersOf(['no', 'no', 'no']), MINUTE - 1)).toBeUndefined();
    expect(refusalBy(answersOf(['no', 'no', 'no']), MINUTE)).toEqual({ code: 'CloudFailed', message: 'no' });
    expect(refusalBy(undefined, MINUTE)).toBeUndefined();
  });

  it('a call without an answer is not counted', () => {
    expect(countAnswer(undefined, new DriverError('OutcomeUnknown', 'time-out'), 0)).toBeUndefined();
  });
});
