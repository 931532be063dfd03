import { describe, expect, it } from 'vitest';
import { chooseZone, zoneChoiceOf } from '../../../../functions/platform/placement/choose-zone.ts';

const ZONES = ['a', 'b', 'c'];

/** Returns the chosen zones of all positions, while only the zones of `open` stand open. */
function chosenBy(of: number, open = ZONES, tried: readonly string[] = [], key = 'fleet'): string[] {
  return Array.from({ length: of }, (_, at) => {
    const choice = zoneChoiceOf(ZONES, tried, { at, of }, key);
    if (!choice) throw new Error('every zone was tried');
    const [first = '', ...others] = choice.open.filter((zone) => open.includes(zone));
    return chooseZone([first, ...others], choice);
  });
}

function counts(zones: readonly string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(zones, (zone) => zone)].map(([zone, of]) => [zone, of.length]));
}

const skew = (zones: readonly string[], open: readonly string[]): number => {
  const numbers = open.map((zone) => counts(zones)[zone] ?? 0);
  return Math.max(...numbers) - Math.min(...numbers);
};

describe('chooseZone', () => {
  it('the numbers of instances in two open zones differ by at most 1, for each size of the group', () => {
    for (let of = 1; of <= 200; of += 1) {
      expect(skew(chosenBy(of), ZONES), `${of} instances`).toBeLessThanOrEqual(1);
      for (const closed of ZONES) {
        const open = ZONES.filter((zone) => zone !== closed);
        const zones = chosenBy(of, open);
        expect(counts(zones)[closed]).toBeUndefined();
        expect(skew(zones, open), `${of} instances without ${closed}`).toBeLessThanOrEqual(1);
        expect(chosenBy(of, ZONES, [closed])).toEqual(zones);
      }
    }
  });

  it('neighbouring positions share a zone, so that ten launches need at most two create calls', () => {
    for (const open of [ZONES, ['b', 'c']]) {
      const zones = chosenBy(600, open);
      for (let at = 0; at < 600; at += 10)
        expect(new Set(zones.slice(at, at + 10)).size).toBeLessThanOrEqual(2);
      expect(zones.filter((zone, at) => at > 0 && zone !== zones[at - 1]).length).toBeLessThanOrEqual(20);
    }
  });

  it('fleets of one instance are spread over the zones', () => {
    const first = Array.from({ length: 300 }, (_, n) => chosenBy(1, ZONES, [], `fleet-${n}`)[0] ?? '');
    for (const zone of ZONES) expect(counts(first)[zone]).toBeGreaterThan(60);
  });

  it('the same position always gets the same zone', () => {
    expect(chosenBy(90)).toEqual(chosenBy(90));
  });
});

describe('zoneChoiceOf', () => {
  it('zoneChoiceOf returns the untried zones, and undefined if every zone was tried', () => {
    expect(zoneChoiceOf(ZONES, ['a', 'c'], { at: 0, of: 9 }, 'fleet')?.open).toEqual(['b']);
    expect(zoneChoiceOf(ZONES, ZONES, { at: 0, of: 9 }, 'fleet')).toBeUndefined();
    expect(zoneChoiceOf([], [], { at: 0, of: 9 }, 'fleet')).toBeUndefined();
  });
});
