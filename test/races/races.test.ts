import { describe, expect, it } from 'vitest';
import { routes } from '../../functions/entrypoints/api/contract.ts';
import { CHANGES_NOTHING, MOVES, PAIRS } from './moves.ts';
import { playRace, type RaceResult } from './play.ts';

const SEEDS = [1];
/** Operations that race with every other one here. `npm run test:races`, which runs nightly, races all pairs. */
const RACED = new Set<string>(['createFleet', 'deleteConnection', 'deleteFleet', 'deleteNamespace']);
const RACED_PAIRS = PAIRS.filter(
  ({ one, other }) => one === other || RACED.has(one.id) || RACED.has(other.id),
);
/** Time limit of each test in ms. The test of many pairs is slow on a busy machine. */
const PATIENT = { timeout: 300_000 };

describe('races', PATIENT, () => {
  it('the moves (racing requests) cover every operation of the contract that changes something', () => {
    const mutating = routes
      .filter(({ method, operationId }) => method !== 'GET' && operationId !== CHANGES_NOTHING)
      .map(({ operationId }) => operationId);
    expect(new Set(MOVES.map(({ id }) => id))).toEqual(new Set(mutating));
  });

  it('any two moves form exactly one pair, and each move forms one pair with itself', () => {
    expect(PAIRS).toHaveLength((MOVES.length * (MOVES.length + 1)) / 2);
    expect(new Set(PAIRS.map(({ one, other }) => `${one.name} × ${other.name}`)).size).toBe(PAIRS.length);
  });

  it.each(SEEDS)(
    'after a race of each pair that deletes something or creates a fleet, the state agrees with the answers and no work is left (seed %i)',
    async (seed) => {
      const violations: string[] = [];
      for (const pair of RACED_PAIRS) {
        const result = await playRace(pair, seed);
        violations.push(...result.violations.map((text) => `${result.pair}: ${text}`));
      }
      expect(violations).toEqual([]);
    },
  );

  it('two races with the same pair and seed make the same calls', async () => {
    const pair = PAIRS.find(({ one, other }) => one.id === 'deleteConnection' && other.id === 'createFleet');
    if (!pair) throw new Error('no pair consists of deleteConnection and createFleet');
    const first = await playRace(pair, 7, true);
    const second = await playRace(pair, 7, true);
    expect(first.trace.length).toBeGreaterThan(100);
    // API keys are random and do not depend on the seed.
    const linesOf = ({ trace }: RaceResult) => trace.map((line) => line.replace(/API-KEYS\/\w+/, 'API-KEYS'));
    expect(linesOf(second)).toEqual(linesOf(first));
  });
});
