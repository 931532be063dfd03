/** What some machines need of a resource, and the places of which each can meet a part of the need. */
export interface Demand {
  places: readonly string[];
  amount: number;
}

/** Shows that some demands cannot be met: together they need more than all of their places have. */
export interface Overflow {
  /** Index of the first demand that cannot be met after those before it. */
  at: number;
  /** The places that are used up. Each of them is needed by the demands below. */
  places: string[];
  /** Indices of all demands that need a part of these places, and have no other place. */
  demands: number[];
}

/** Amounts below this count as nothing, because sums of fractions are not exact. */
const NOTHING = 1e-6;

/**
 * Checks whether the places can meet all demands, each of which may be spread over its places. Pure. Meets one demand
 * after the other. A demand whose places are used up moves earlier demands to their other places, along the shortest
 * chain of moves (the algorithm of Edmonds and Karp for maximum flows).
 *
 * @param has returns what a place has; Infinity if nothing limits it
 * @returns undefined if the places can meet all demands
 */
export function findOverflow(
  demands: readonly Demand[],
  has: (place: string) => number,
): Overflow | undefined {
  const left = new Map(demands.flatMap(({ places }) => places.map((place) => [place, has(place)] as const)));
  /** What each demand takes of each place. */
  const taken = demands.map(() => new Map<string, number>());
  for (const [at, { amount }] of demands.entries()) {
    let unmet = amount;
    while (unmet > NOTHING) {
      const search = searchPlace(at, demands, left, taken);
      if ('usedUp' in search) return overflowOf(at, demands, search.usedUp);
      const moved = Math.min(unmet, ...search.chain.map(({ most }) => most));
      for (const { demand, to, from } of search.chain) {
        taken[demand]?.set(to, (taken[demand]?.get(to) ?? 0) + moved);
        if (from !== undefined) taken[demand]?.set(from, (taken[demand]?.get(from) ?? 0) - moved);
      }
      const end = search.chain.at(-1)?.to ?? '';
      left.set(end, (left.get(end) ?? 0) - moved);
      unmet -= moved;
    }
  }
  return undefined;
}

/** One move of a chain: a demand takes more of `to`, and as much less of `from`. */
interface Move {
  demand: number;
  to: string;
  /** Absent: the demand that is being met, which has no place yet. */
  from?: string;
  /** The most that can be moved here. */
  most: number;
}

/** Searches the nearest place with something left. @returns the moves that lead there, or all places that are used up */
function searchPlace(
  start: number,
  demands: readonly Demand[],
  left: ReadonlyMap<string, number>,
  taken: readonly ReadonlyMap<string, number>[],
): { chain: Move[] } | { usedUp: string[] } {
  const chains = new Map<string, Move[]>();
  const seen = new Set([start]);
  const queue: { demand: number; chain: Move[]; from?: string; most: number }[] = [
    { demand: start, chain: [], most: Number.POSITIVE_INFINITY },
  ];
  for (const { demand, chain, from, most } of queue) {
    for (const to of demands[demand]?.places ?? []) {
      if (chains.has(to)) continue;
      const move: Move = { demand, to, most, ...(from === undefined ? {} : { from }) };
      const reached = [...chain, move];
      chains.set(to, reached);
      const free = left.get(to) ?? 0;
      if (free > NOTHING)
        return { chain: reached.map((one) => ({ ...one, most: Math.min(one.most, free) })) };
      for (const [other, places] of taken.entries()) {
        const takes = places.get(to) ?? 0;
        if (seen.has(other) || takes <= NOTHING) continue;
        seen.add(other);
        queue.push({ demand: other, chain: reached, from: to, most: takes });
      }
    }
  }
  return { usedUp: [...chains.keys()] };
}

function overflowOf(at: number, demands: readonly Demand[], usedUp: readonly string[]): Overflow {
  const isHere = ({ places }: Demand) => places.every((place) => usedUp.includes(place));
  return {
    at,
    places: usedUp.toSorted(),
    demands: demands.flatMap((demand, index) => (isHere(demand) ? [index] : [])),
  };
}
