import { setTimeout as sleep } from 'node:timers/promises';
import { type Goal, ProgressPrinter } from '../../cli/shell/progress.ts';
import { ApiProblem, ApiUnreachable, type Client, eachItem } from '../../client/index.ts';
import type { Counts, Fleet } from '../../functions/model/fleet.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { type FleetStatus, isClosed } from '../../functions/model/status.ts';

const POLL_MS = 2_000;
const PATIENCE_MS = 60_000;
const UNSETTLED: ReadonlySet<FleetStatus> = new Set(['Preparing', 'Held', 'Creating', 'RollingBack']);
const ON_THE_WAY: ReadonlySet<FleetStatus> = new Set([...UNSETTLED, 'Terminating']);

export interface Fleets {
  client: Client;
  namespace: string;
}

/** The result of several create requests: the accepted fleets, and the refusals of the others. */
export interface Started {
  fleets: Fleet[];
  refusals: unknown[];
}

export async function startFleets(
  { client, namespace }: Fleets,
  requests: readonly FleetRequest[],
): Promise<Started> {
  const outcomes = await Promise.allSettled(
    requests.map((body) => client.createFleet({ params: { namespace }, body })),
  );
  return {
    fleets: outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
    refusals: outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : [])),
  };
}

/** Returns the names in this list that live fleets already have. */
export async function takenNames({ client, namespace }: Fleets, names: readonly string[]): Promise<string[]> {
  const taken = await Promise.all(
    names.map(async (fleet) => {
      try {
        await client.getFleet({ params: { namespace, fleet } });
        return [fleet];
      } catch (error) {
        if (error instanceof ApiProblem && error.status === 404) return [];
        throw error;
      }
    }),
  );
  return taken.flat();
}

export async function deleteFleets(
  { client, namespace }: Fleets,
  fleetIds: readonly string[],
): Promise<void> {
  await Promise.all(fleetIds.map((fleet) => client.deleteFleet({ params: { namespace, fleet } })));
}

export interface Watch {
  goal: Goal;
  out: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  atMostMs: number;
  /** If the signal is aborted, only the wait ends. The fleets are not changed. */
  signal: AbortSignal;
}

/**
 * Shows the progress of several fleets together. Ends when all fleets have reached the goal, when the time is
 * over, or when the signal is aborted.
 *
 * @returns the fleets as they were last read
 */
export async function watchFleets(
  { client, namespace }: Fleets,
  fleetIds: readonly string[],
  { goal, out, atMostMs, signal }: Watch,
): Promise<Fleet[]> {
  const printer = new ProgressPrinter(out, goal);
  const untilMs = Date.now() + atMostMs;
  let reachedMs = Date.now();
  let fleets: Fleet[] = [];
  while (!signal.aborted && Date.now() < untilMs) {
    try {
      fleets = await Promise.all(fleetIds.map((fleet) => client.getFleet({ params: { namespace, fleet } })));
      reachedMs = Date.now();
      printer.show(together(fleets), reachedMs);
      if (fleets.every(({ status }) => (goal === 'up' ? !UNSETTLED.has(status) : isGone(status)))) break;
    } catch (error) {
      if (!(error instanceof ApiUnreachable) || Date.now() - reachedMs > PATIENCE_MS) throw error;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return fleets;
}

/**
 * Returns true if nothing is left of a fleet with this status. A RolledBack fleet does not become Terminated.
 */
const isGone = (status: FleetStatus): boolean => status === 'Terminated' || status === 'RolledBack';

/** Adds up several fleets to one fleet, so that the demo can show their progress together. */
export function together(fleets: readonly Fleet[]): Fleet {
  const [first] = fleets;
  if (!first) throw new RangeError('the list of fleets is empty');
  const odd = fleets.find(({ status }) => status !== 'Running' && !isGone(status));
  return {
    ...first,
    name: `${fleets.length} fleets`,
    status: (fleets.find((fleet) => ON_THE_WAY.has(fleet.status)) ?? odd ?? first).status,
    counts: fleets.map(({ counts }) => counts).reduce(addCounts),
    byLocation: fleets.flatMap(({ byLocation }) => byLocation),
    failures: [
      ...Map.groupBy(
        fleets.flatMap(({ failures }) => failures),
        ({ code }) => code,
      ),
    ].map(([code, same]) => ({
      code,
      count: same.reduce((sum, { count }) => sum + count, 0),
      example: same[0]?.example ?? '',
    })),
  };
}

function addCounts(a: Counts, b: Counts): Counts {
  const sum: Counts = { ...a };
  const statuses: Partial<Record<string, number>> = sum;
  for (const [status, count] of Object.entries(b)) statuses[status] = (statuses[status] ?? 0) + count;
  return sum;
}

/** Returns the ids of the instances that records of these fleets claim. */
export async function claimedInstances(
  { client, namespace }: Fleets,
  fleetIds: readonly string[],
): Promise<Set<string>> {
  const claimed = new Set<string>();
  for (const fleet of fleetIds) {
    const all = eachItem(client.listInstances, { params: { namespace, fleet }, query: { limit: 500 } });
    for await (const { id, status } of all) if (!isClosed(status)) claimed.add(id);
  }
  return claimed;
}
