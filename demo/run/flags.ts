import { InvalidArgumentError } from 'commander';

/** The largest factor at which the demo's fleets together still fit into the simulated clouds' quotas. */
const MAX_FACTOR = 3;

export function factor(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= MAX_FACTOR)) {
    throw new InvalidArgumentError(`must be above 0 and at most ${MAX_FACTOR}.`);
  }
  return value;
}

export function wholeNumber(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new InvalidArgumentError('must be a whole number.');
  return Number(text);
}
