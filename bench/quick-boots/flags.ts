import { InvalidArgumentError } from 'commander';

const MOST = 10_000;

/** Parses a number above 0 and at most 10,000. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= MOST)) throw new InvalidArgumentError(`must be above 0 and at most ${MOST}.`);
  return value;
}
