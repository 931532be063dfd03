import type { ZoneChoice } from '../../model/wanted-create.ts';
import { spreadEvenly } from './lay-out.ts';

/**
 * Number of neighbouring positions that leave a closed zone for the same other zone. Their launches come together, and
 * share a create call. A smaller number would spread the positions more finely, and would need more calls.
 */
const BLOCK = 20;

/**
 * Returns the zones in which an instance may be created, in the order of preference, and what decides between them.
 * The positions of a node group are divided into one unbroken range for each zone, so that neighbouring launches share
 * a create call, and the numbers of instances in two zones differ by at most 1.
 *
 * @param zones the zones in which the group's instances can be created, at least one, in any order
 * @param tried zones that must not be chosen
 * @param position the instance's number in the group's share of the location, from 0, and the size of that share
 * @param key text that is different for each fleet. It decides which zone gets the first range: without it, all fleets
 *   of one instance would be in the same zone
 * @returns undefined if every zone was tried
 */
export function zoneChoiceOf(
  zones: readonly string[],
  tried: readonly string[],
  position: { at: number; of: number },
  key: string,
): ZoneChoice | undefined {
  const inOrder = rotated([...new Set(zones)].sort(), hashOf(key));
  const open = inOrder.filter((zone) => !tried.includes(zone));
  const home = homeOf(inOrder, position);
  const [first] = open;
  return first === undefined || !home ? undefined : { open: [first, ...open.slice(1)], ...home };
}

/**
 * Chooses one of the zones that stand open. An instance whose own zone does not stand open goes to another one. The
 * instances of the closed zone are divided evenly among the others. Pure: the same input always gives the same zone.
 *
 * @param open at least one zone
 */
export function chooseZone(open: readonly [string, ...string[]], { home, at, of }: ZoneChoice): string {
  if (open.includes(home)) return home;
  const count = open.length;
  const inRounds = Math.floor(of / (BLOCK * count)) * BLOCK * count;
  if (at < inRounds) return open[Math.floor(at / BLOCK) % count] ?? open[0];
  // The larger shares of the rest go to the last zones, because the first zones have the larger shares already.
  const shares = spreadEvenly(of - inRounds, count).reverse();
  return open[rangeOf(shares, at - inRounds).part] ?? open[0];
}

/** Returns the zone whose range has the position, and the position in that range. */
function homeOf(zones: readonly string[], { at, of }: { at: number; of: number }) {
  const shares = spreadEvenly(of, zones.length);
  const { part, first } = rangeOf(shares, at);
  const home = zones[part];
  return home === undefined ? undefined : { home, at: at - first, of: shares[part] ?? 0 };
}

/** Returns the range that has the position, and the first position of this range. */
function rangeOf(shares: readonly number[], at: number): { part: number; first: number } {
  let first = 0;
  for (const [part, size] of shares.entries()) {
    if (at < first + size) return { part, first };
    first += size;
  }
  return { part: 0, first: 0 };
}

function rotated<One>(all: readonly One[], by: number): One[] {
  const start = all.length === 0 ? 0 : by % all.length;
  return [...all.slice(start), ...all.slice(0, start)];
}

/** Returns a hash of a short text (32-bit FNV-1a). */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}
