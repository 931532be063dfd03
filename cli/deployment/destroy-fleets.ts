import { ApiProblem, eachItem } from '../../client/index.ts';
import type { Standing, StandingFleet } from '../shell/direct-tables.ts';
import {
  type Blocker,
  done,
  enter,
  many,
  pauseIn,
  type Run,
  type StepReport,
  stopped,
} from './destroy-run.ts';

const LOOK_MS = 2_000;
/** If only connections that cannot be read hold fleets back for this time, the command stops. */
const BLOCKED_MS = 30_000;
const MAX_BLOCKERS = 100;

export const REPAIR =
  'Repair each connection with `fleetwright connection rotate-credential`, then run this command again. Or run it with --forget, which leaves the machines running and writes their list to a file first.';

/** Deletes all fleets through the API, and waits until the clouds show nothing of them. */
export async function removeFleets(run: Run): Promise<StepReport> {
  await enter(run, 'fleets');
  const api = await run.api();
  const { world, say } = run.context;
  const first = await run.tables.readStanding();
  for (const { namespace, fleetId } of first.fleets) {
    await unlessGone(api.deleteFleet({ params: { namespace, fleet: fleetId } }));
  }
  const counts = { fleets: first.fleets.length, instances: sum(first.fleets) };
  let told = '';
  let blockedSinceMs: number | undefined;
  for (;;) {
    const standing = await run.tables.readStanding();
    if (standing.fleets.length === 0)
      return done('fleets', `${many(counts.fleets, 'fleet')} removed`, counts);
    const line = `${many(standing.fleets.length, 'fleet')} and ${many(sum(standing.fleets), 'instance')} are being removed`;
    if (line !== told) say(line);
    told = line;
    const nowMs = world.now();
    const unreadable = blockersOf(standing, run);
    if (unreadable.length === 0) blockedSinceMs = undefined;
    else blockedSinceMs ??= nowMs;
    if (blockedSinceMs !== undefined && nowMs - blockedSinceMs >= BLOCKED_MS) {
      return stopped('fleets', `${line}, at connections that cannot be read`, REPAIR, unreadable, counts);
    }
    if (nowMs >= run.deadlineMs) {
      const what = `Look at the fleets with \`fleetwright fleet get\`, then run this command again: it goes on. ${REPAIR}`;
      return stopped('fleets', `${line}, and the time is over`, what, heldBack(standing), counts);
    }
    await pauseIn(run, 'fleets', LOOK_MS);
  }
}

const sum = (fleets: readonly StandingFleet[]): number =>
  fleets.flatMap(({ sites }) => sites).reduce((total, { instances }) => total + instances, 0);

async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ApiProblem && error.status === 404)) throw error;
  }
}

/** Returns why a connection cannot be read; undefined if it can. */
export function whyUnreadable(
  { status, driver, failure }: Standing['connections'][number],
  drivers: ReadonlySet<string>,
): string | undefined {
  if (!drivers.has(driver)) return `the deployment has no driver ${driver} any more`;
  return status === 'Failed' ? `${failure?.code ?? 'Failed'}: ${failure?.message ?? 'it failed'}` : undefined;
}

/** Returns the names of the drivers that are deployed. */
export const driversOf = ({ deployment }: Pick<Run, 'deployment'>): ReadonlySet<string> =>
  new Set(Object.keys(JSON.parse(deployment.outputs['QueueUrls'] ?? '{}')));

/**
 * Returns the connections that hold the remaining fleets back, if these are the only cause: each remaining fleet has
 * instances only at connections that cannot be read. Empty if other fleets are still being removed.
 */
function blockersOf(standing: Standing, run: Run): Blocker[] {
  const drivers = driversOf(run);
  const why = (namespace: string, connection: string) => {
    const known = standing.connections.find((one) => one.namespace === namespace && one.name === connection);
    return known ? whyUnreadable(known, drivers) : 'the connection does not exist any more';
  };
  const blockers: Blocker[] = [];
  for (const { namespace, name: fleet, sites } of standing.fleets) {
    const occupied = sites.filter(({ instances }) => instances > 0);
    const left = occupied.length > 0 ? occupied : sites.filter((site) => why(namespace, site.connection));
    if (left.length === 0) return [];
    for (const { connection, location, instances } of left) {
      const message = why(namespace, connection);
      if (message === undefined) return [];
      blockers.push({
        namespace,
        connection,
        location,
        fleet,
        message: `${many(instances, 'instance')}: ${message}`,
      });
    }
  }
  return blockers.slice(0, MAX_BLOCKERS);
}

const heldBack = ({ fleets }: Standing): Blocker[] =>
  fleets
    .flatMap(({ namespace, name: fleet, status, sites }) =>
      sites
        .filter(({ instances }) => instances > 0)
        .map(({ connection, location, instances }) => ({
          ...{ namespace, connection, location, fleet },
          message: `${many(instances, 'instance')} left; the fleet is ${status}`,
        })),
    )
    .slice(0, MAX_BLOCKERS);

/**
 * Waits until the API lists no network resource in any namespace. Has shared networks removed without their grace time.
 */
export async function awaitNetworks(run: Run): Promise<StepReport> {
  await enter(run, 'networks');
  const api = await run.api();
  for (;;) {
    const left: Blocker[] = [];
    for await (const { name: namespace } of eachItem(api.listNamespaces, {})) {
      const { removing } = await api.removeNetworks({ params: { namespace }, body: {} });
      for (const { connection, location, name, state } of removing)
        left.push({ namespace, connection, location, message: `shared network ${name} is ${state}` });
      for await (const one of eachItem(api.listResources, { params: { namespace } })) {
        const { connection, location, kind, name, state, fleet } = one;
        left.push({
          namespace,
          connection,
          location,
          fleet: fleet.name,
          message: `${kind} ${name} is ${state}`,
        });
      }
    }
    if (left.length === 0) return done('networks', 'no network resource is left', { networks: 0 });
    if (run.context.world.now() >= run.deadlineMs) {
      const what = 'Look at them with `fleetwright resources list`, then run this command again.';
      return stopped(
        'networks',
        `${many(left.length, 'network resource')} left`,
        what,
        left.slice(0, MAX_BLOCKERS),
      );
    }
    await pauseIn(run, 'networks', LOOK_MS);
  }
}
