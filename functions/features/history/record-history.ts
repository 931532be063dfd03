import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Market } from '../../model/market.ts';
import { choiceFor, type Recorded } from '../../platform/placement/choose-type.ts';
import { layOut, type Placement } from '../../platform/placement/lay-out.ts';
import { readSpec } from '../../platform/store/fleets.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { readInstanceRange } from '../../platform/store/instances.ts';
import type { Store } from '../../platform/store/store.ts';

const KEPT_SECONDS = 180 * 86_400;

/** Outcomes of the instances with one type and one image, at one location and in one market, in one fleet. */
export interface Outcomes {
  cloud: string;
  location: string;
  instanceType: string;
  market: Market;
  image: string;
  requested: number;
  running: number;
  /** Number of failed instances by failure code. */
  failed: Record<string, number>;
  /**
   * Median and 95th percentile of the time from an instance's first claim in a round until its record became
   * Running, in seconds. Undefined if no instance ran.
   */
  secondsToRunning: { p50: number; p95: number } | undefined;
}

/**
 * Runs the workflow's state RecordHistory: writes successes and failures by type, image and location. The
 * keys contain the fleet id, so that a second run overwrites the items of the first.
 */
export async function recordHistory(store: Store<'fleets' | 'history'>, fleetId: string): Promise<void> {
  const spec = await readSpec(store, fleetId);
  for (const placement of layOut(spec)) {
    const records = await readInstanceRange(
      store,
      fleetId,
      placement.first,
      placement.first + placement.count - 1,
    );
    for (const outcomes of outcomesOf(placement, records)) {
      const { cloud, location, instanceType, market, image } = outcomes;
      const ofMarket = market === 'on-demand' ? '' : `#${market}`;
      await store.document.send(
        new PutCommand({
          TableName: store.tables.history,
          Item: {
            pk: `${cloud}#${instanceType}`,
            sk: `${location}#${image}#${fleetId}${ofMarket}`,
            ...outcomes,
            namespace: spec.namespace,
            at: new Date(store.clock.now()).toISOString(),
            expiresAt: Math.floor(store.clock.now() / 1_000) + KEPT_SECONDS,
          },
        }),
      );
    }
  }
}

/**
 * Counts the outcomes of a placement's instances. Node groups with equal type and image are counted together. An
 * instance counts for the type and market of its last attempt, and without an attempt for the first ones of its node
 * group. Pure.
 */
export function outcomesOf(placement: Placement, records: readonly InstanceItem[]): Outcomes[] {
  const { cloud, location } = placement;
  const byGroup = Map.groupBy(records, ({ nodeGroup }) => nodeGroup);
  const counted = placement.ranges.flatMap(({ group, count }) => {
    const ofGroup = byGroup.get(group.name) ?? [];
    const keyOf = (recorded: Recorded) => {
      const { type, market } = choiceFor(group, location, recorded);
      return `${market} ${type.name}`;
    };
    const byChoice = Map.groupBy(ofGroup, keyOf);
    const first = keyOf({});
    if (!byChoice.has(first) && (byChoice.size === 0 || ofGroup.length < count)) byChoice.set(first, []);
    return [...byChoice].map(([key, ofChoice]) => {
      const { type, market } = choiceFor(group, location, ofChoice[0] ?? {});
      const requested = ofChoice.length + (key === first ? count - ofGroup.length : 0);
      return { instanceType: type.name, market, image: group.image, ofChoice, requested };
    });
  });
  const kinds = Map.groupBy(
    counted,
    ({ instanceType, market, image }) => `${market} ${instanceType}#${image}`,
  );
  return [...kinds.values()].flatMap((alike) => {
    const [first] = alike;
    if (!first) return [];
    const { instanceType, market, image } = first;
    const requested = alike.reduce((sum, one) => sum + one.requested, 0);
    const ofKind = alike.flatMap(({ ofChoice }) => ofChoice);
    return { cloud, location, instanceType, market, image, requested, ...resultsOf(ofKind) };
  });
}

function resultsOf(
  records: readonly InstanceItem[],
): Pick<Outcomes, 'running' | 'failed' | 'secondsToRunning'> {
  const failures = records.flatMap(({ failure }) => (failure ? [failure.code] : []));
  const failed = Object.fromEntries(
    [...Map.groupBy(failures, (code) => code)].map(([code, all]) => [code, all.length]),
  );
  const seconds = records.flatMap(({ launchedAt, runningAt }) =>
    runningAt ? [(Date.parse(runningAt) - Date.parse(launchedAt)) / 1_000] : [],
  );
  const secondsToRunning =
    seconds.length > 0 ? { p50: percentile(seconds, 0.5), p95: percentile(seconds, 0.95) } : undefined;
  return { running: seconds.length, failed, secondsToRunning };
}

/** Returns a percentile by the nearest-rank method. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
