import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../../functions/drivers/contract/errors.ts';
import { countAnswer, refusalBy } from '../../../../functions/features/instances/unknown-answers.ts';

const MINUTE = 60_000;
const answer = (message: string) => new DriverError('OutcomeUnknown', message, { answered: true });

/** The same call's answers, one each twenty seconds. */
function answersOf(messages: readonly string[]) {
  let known: ReturnType<typeof countAnswer>;
  for (const [at, message] of messages.entries()) known = countAnswer(known, answer(message), at * 20_000);
  return known;
}

describe('answers in words that no table knows', () => {
  it('are counted while they are the same but for ids and numbers', () => {
    const known = answersOf([
      'no (id 1f0a77d2-11aa-42cc-9d00-0a0b0c0d0e0f)',
      'no (id 2e11aa00-1)',
      'yes',
      'yes',
    ]);
    expect(known).toEqual({ words: 'yes', times: 2, firstAtMs: 40_000 });
  });

  it('are a refusal after three of them, when a minute has passed since the first', () => {
    expect(refusalBy(answersOf(['no', 'no']), 2 * MINUTE)).toBeUndefined();
    expect(refusalBy(answersOf(['no', 'no', 'no']), MINUTE - 1)).toBeUndefined();
    expect(refusalBy(answersOf(['no', 'no', 'no']), MINUTE)).toEqual({ code: 'CloudFailed', message: 'no' });
    expect(refusalBy(undefined, MINUTE)).toBeUndefined();
  });

  it('are not counted where no answer came', () => {
    expect(countAnswer(undefined, new DriverError('OutcomeUnknown', 'time-out'), 0)).toBeUndefined();
  });
});
