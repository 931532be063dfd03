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

/** What is left at each place, and what each demand takes of the places. */
interface Fit {
  left: Map<string, number>;
  /** Place → index of a demand → what the demand takes there. */
  taken: Map<string, Map<number, number>>;
}

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
  const places = [...new Set(demands.flatMap((demand) => demand.places))];
  const fit: Fit = {
    left: new Map(places.map((place) => [place, has(place)])),
    taken: new Map(places.map((place) => [place, new Map<number, number>()])),
  };
  for (const [at, { amount }] of demands.entries()) {
    let unmet = amount;
    while (unmet > NOTHING) {
      const search = searchPlace(at, demands, fit);
      if ('usedUp' in search) return overflowOf(at, demands, search.usedUp);
      unmet -= moveAlong(search.chain, unmet, fit);
    }
  }
  return undefined;
}

/** One move of a chain: a demand takes more of `to`, and as much less of `from`. */
interface Move {
  demand: number;
  to: string;
  /** Absent: the demand that is being met, which has no place yet. */
  from: string | undefined;
}

/** Searches the nearest place with something left. @returns the moves that lead there, or all places that are used up */
function searchPlace(
  start: number,
  demands: readonly Demand[],
  { left, taken }: Fit,
): { chain: Move[] } | { usedUp: string[] } {
  /** Place → the move that leads there. */
  const moves = new Map<string, Move>();
  const seen = new Set([start]);
  const queue: { demand: number; from: string | undefined }[] = [{ demand: start, from: undefined }];
  for (const { demand, from } of queue) {
    for (const to of demands[demand]?.places ?? []) {
      if (moves.has(to)) continue;
      moves.set(to, { demand, to, from });
      if ((left.get(to) ?? 0) > NOTHING) return { chain: chainTo(to, moves) };
      for (const [other, takes] of taken.get(to) ?? []) {
        if (takes <= NOTHING || seen.has(other)) continue;
        seen.add(other);
        queue.push({ demand: other, from: to });
      }
    }
  }
  return { usedUp: [...moves.keys()] };
}

function chainTo(end: string, moves: ReadonlyMap<string, Move>): Move[] {
  const chain: Move[] = [];
  for (let place: string | undefined = end; place !== undefined; ) {
    const move = moves.get(place);
    if (!move) break;
    chain.push(move);
    place = move.from;
  }
  return chain;
}

/** Makes the moves, with as much as all of them can move. @returns how much was moved */
function moveAlong(chain: readonly Move[], most: number, { left, taken }: Fit): number {
  const takenAt = ({ demand, from }: Move) =>
    from === undefined ? Number.POSITIVE_INFINITY : (taken.get(from)?.get(demand) ?? 0);
  const [last] = chain;
  const free = last ? (left.get(last.to) ?? 0) : 0;
  const amount = Math.min(most, free, ...chain.map(takenAt));
  for (const { demand, to, from } of chain) {
    const there = taken.get(to);
    there?.set(demand, (there.get(demand) ?? 0) + amount);
    const before = from === undefined ? undefined : taken.get(from);
    before?.set(demand, (before.get(demand) ?? 0) - amount);
  }
  if (last) left.set(last.to, free - amount);
  return amount;
}

function overflowOf(at: number, demands: readonly Demand[], usedUp: readonly string[]): Overflow {
  const full = new Set(usedUp);
  return {
    at,
    places: usedUp.toSorted(),
    demands: demands.flatMap(({ places }, index) =>
      places.every((place) => full.has(place)) ? [index] : [],
    ),
  };
}
