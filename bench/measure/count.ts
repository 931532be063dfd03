import { InvalidArgumentError } from 'commander';
import { wholeNumber } from '../../demo/run/flags.ts';

/** Parses a flag's value as a whole number of at least 1. */
export function countFrom1(text: string): number {
  const count = wholeNumber(text);
  if (count < 1) throw new InvalidArgumentError('must be a whole number of at least 1.');
  return count;
}
