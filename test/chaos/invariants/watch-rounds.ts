import { isComplete, isCompleteBy } from '../../../functions/platform/store/completeness.ts';
import {
  endedIn,
  hasEnded,
  isMoving,
  MOVING,
  unpricedIn,
} from '../../../functions/platform/store/counters.ts';
import { type InstanceItem, instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import { PLACEMENT_PREFIX, placementKey } from '../../../functions/platform/store/keys.ts';
import { type PlacementItem, placementItemSchema } from '../../../functions/platform/store/placements.ts';
import type { Ground } from '../ground/ground.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import type { Table } from '../models/dynamo/table.ts';
import { type Violation, violationBy } from './violation.ts';

/**
 * Checks after each write that the counters of a placement, from which a fleet's execution learns that no launch is
 * left, agree with the records.
 */
export class RoundWatch {
  readonly #ground: Ground;
  readonly #fleets: Table;
  readonly #violations: Violation[];
  /** Keys of the placements that a write has just changed, or whose records it has changed. */
  readonly #changed = new Set<string>();

  constructor(ground: Ground, violations: Violation[], fleets: Table) {
    this.#ground = ground;
    this.#violations = violations;
    this.#fleets = fleets;
  }

  readonly onRecord = (before: Item | undefined, after: Item | undefined): void => {
    for (const item of [before, after]) {
      const key = item && placementOf(item);
      if (!key) continue;
      // All writes of a transaction are made before the next microtask.
      if (this.#changed.size === 0) {
        const module = this.#ground.caller;
        queueMicrotask(() => this.#check(module));
      }
      this.#changed.add(key);
    }
  };

  #check(module: string | undefined): void {
    const items = this.#fleets.all();
    const placements = items.filter((item) => this.#changed.has(textOf(item)));
    this.#changed.clear();
    for (const item of placements) {
      const placement = placementItemSchema.parse(item);
      const records = items.flatMap((one) =>
        one['fleetId'] === placement.fleetId && placementOf(one) === textOf(item) && isInstance(one)
          ? [instanceItemSchema.parse(one)]
          : [],
      );
      for (const text of wrongCounters(placement, records)) {
        this.#ground.trace.add('INVARIANT', `counter: ${text}`);
        this.#violations.push(violationBy('counter', text, module));
      }
    }
  }
}

function wrongCounters(placement: PlacementItem, records: readonly InstanceItem[]): string[] {
  const { fleetId, location, groups } = placement;
  const texts = Object.entries(groups).flatMap(([group, counters]) => {
    const here = records.filter(({ nodeGroup }) => nodeGroup === group);
    const rounds = new Set(here.filter(hasEnded).map(({ round }) => endedIn(round)));
    const unpriced = new Set(here.filter(isUnpriced).map(({ status }) => unpricedIn(status)));
    const known = Object.keys(counters).filter((name) => /^(ended|unpriced)/.test(name));
    const names = new Set([...rounds, ...unpriced, ...known]);
    return [...names, MOVING].flatMap((name) => {
      const real = here.filter((record) =>
        name === MOVING
          ? isMoving(record)
          : (hasEnded(record) && endedIn(record.round) === name) ||
            (isUnpriced(record) && unpricedIn(record.status) === name),
      ).length;
      const counted = counters[name] ?? 0;
      return counted === real
        ? []
        : [`${fleetId} ${location} ${group}: counter ${name} is ${counted}, and the records say ${real}`];
    });
  });
  const [byCounters, byRecords] = [isComplete(placement), isCompleteBy(placement, records)];
  if (byCounters !== byRecords)
    texts.push(
      `${fleetId} ${location} is complete by the counters: ${byCounters}, by the records: ${byRecords}`,
    );
  return texts;
}

const isUnpriced = (record: InstanceItem): boolean => record.isUnpriced === true;

const isInstance = ({ pk }: Item): boolean => String(pk).startsWith('INST#');

/** Returns the key of the placement that an item is, or that it belongs to. */
function placementOf(item: Item): string | undefined {
  if (String(item['sk']).startsWith(PLACEMENT_PREFIX)) return textOf(item);
  if (!isInstance(item)) return undefined;
  const { fleetId, connectionKey, location } = item;
  return textOf(placementKey(String(fleetId), String(connectionKey), String(location)));
}

const textOf = ({ pk, sk }: Item | { pk: string; sk: string }): string => `${String(pk)} ${String(sk)}`;
