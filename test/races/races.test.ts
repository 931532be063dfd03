import { describe, expect, it } from 'vitest';
import { routes } from '../../functions/entrypoints/api/contract.ts';
import { MOVES, PAIRS } from './moves.ts';
import { playRace, type RaceResult } from './play.ts';

const SEEDS = [1];
/** Many runs, and each takes a while on a busy machine. */
const PATIENT = { timeout: 300_000 };

describe('races', PATIENT, () => {
  it('have a request for every operation of the contract that changes something', () => {
    const mutating = routes.filter(({ method }) => method !== 'GET').map(({ operationId }) => operationId);
    expect(new Set(MOVES.map(({ id }) => id))).toEqual(new Set(mutating));
  });

  it('pair each with each, and with itself', () => {
    expect(PAIRS).toHaveLength((MOVES.length * (MOVES.length + 1)) / 2);
    expect(new Set(PAIRS.map(({ one, other }) => `${one.name} × ${other.name}`)).size).toBe(PAIRS.length);
  });

  it.each(SEEDS)('of every pair leave what was answered, and nothing else (seed %i)', async (seed) => {
    const violations: string[] = [];
    for (const pair of PAIRS) {
      const result = await playRace(pair, seed);
      violations.push(...result.violations.map((text) => `${result.pair}: ${text}`));
    }
    expect(violations).toEqual([]);
  });

  it('are the same each time that a seed is played', async () => {
    const pair = PAIRS.find(({ one, other }) => one.id === 'deleteConnection' && other.id === 'createFleet');
    if (!pair) throw new Error('no such pair');
    const first = await playRace(pair, 7, true);
    const second = await playRace(pair, 7, true);
    expect(first.trace.length).toBeGreaterThan(100);
    // An API key is drawn from no seed.
    const told = ({ trace }: RaceResult) => trace.map((line) => line.replace(/API-KEYS\/\w+/, 'API-KEYS'));
    expect(told(second)).toEqual(told(first));
  });
});
