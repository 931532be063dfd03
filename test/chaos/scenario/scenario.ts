import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import type { Fault } from '../../../local/sim/engine/faults.ts';
import type { Disturbance } from '../ground/disturbance.ts';
import { Random } from '../time/random.ts';
import { withDoors } from './doors.ts';
import { withBatches } from './draw-batches.ts';
import { CLOUD_NAMES, type ConnectionScript, cloudOf, limits, widerLimits } from './draw-clouds.ts';
import {
  type RestoreScript,
  restoreOf,
  type SecondWriterScript,
  secondWriterOf,
} from './draw-deployments.ts';
import { cloudFaults, disturbance, volumeFaults } from './draw-faults.ts';
import { type FleetScript, fleetScripts, passersBy, sharers } from './draw-fleets.ts';
import { deedsOutside, emptyLists, type Incident, incidents, losses, rotations } from './draw-incidents.ts';
import { withKeptDisks } from './draw-kept-disks.ts';
import { marketFaults, withMarketCloud, withMarkets } from './draw-markets.ts';
import { networkQuotas } from './draw-network-quotas.ts';
import { protections, withDisks } from './draw-protections.ts';
import { type SingleScript, singles } from './draw-singles.ts';
import { type Planted, planted } from './draw-strangers.ts';
import { type Turnover, turnovers } from './draw-turnovers.ts';
import { typeFaults, withTypes } from './draw-types.ts';
import { inUsersNetworks } from './draw-users-networks.ts';

const MINUTE_MS = 60_000;

/** All inputs of a run, drawn from the seed. */
export interface Scenario {
  seed: number;
  clouds: Readonly<Record<string, CloudConfig>>;
  connections: readonly ConnectionScript[];
  fleets: readonly FleetScript[];
  /** Time in ms for which shared networks are kept after their last fleet has left them. Omit it for 0. */
  networkGraceMs?: number;
  disturbance: Disturbance;
  cloudFaults: readonly Fault[];
  incidents: readonly Incident[];
  /** Time in ms in which things go wrong, from the first request on. */
  troubleMs: number;
  /** Maximum time in ms by which a process's clock may be fast or slow. */
  skewMs: number;
  sweepIntervalMs: number;
  /** Grace period: time for which sweeps keep an orphan before they remove it. */
  graceSeconds: number;
  planted: readonly Planted[];
  turnovers?: readonly Turnover[];
  singles?: readonly SingleScript[];
  /** Omit it for a run without a restore. */
  restore?: RestoreScript | undefined;
  /** Omit it for a run with one deployment. */
  secondWriter?: SecondWriterScript | undefined;
  driverConcurrency: number;
  driverTimeoutMs: number;
  /** False if the clouds do not say to which account a credential belongs. */
  tellsAccounts?: boolean;
  /** True if many machines of deleted fleets show up again at one site. */
  hasLeftovers?: boolean;
  /** True if an operator continues sweeps that are on hold. */
  hasOperator?: boolean;
}

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed, 'scenario');
  const clouds = CLOUD_NAMES.slice(0, random.int(2, 3));
  const answers = new Random(seed, 'answers');
  const configs = Object.fromEntries(
    clouds.map((name) => [
      name,
      withMarketCloud(new Random(seed, `markets of ${name}`), cloudOf(seed, name, random, answers)),
    ]),
  );
  const connections = clouds.map((name) => {
    const own = limits(random);
    return { name: `sim-${name}`, cloud: name, limits: { ...own, ...widerLimits(seed, name, own) } };
  });
  const sharing = new Random(seed, 'sharing');
  const drawn = withDisks(seed, [
    ...sharers(sharing, withMarkets(seed, withDoors(seed, fleetScripts(random, connections, configs)))),
    ...passersBy(sharing, connections, configs),
  ]);
  const fleets = inUsersNetworks(seed, withTypes(seed, withKeptDisks(seed, drawn)));
  const troubleMs = random.int(8, 40) * MINUTE_MS;
  const disturbed = disturbance(random);
  const faults = [...cloudFaults(random), ...volumeFaults(seed), ...marketFaults(seed), ...typeFaults(seed)];
  const perCall = new Random(seed, 'batches');
  const mostPerCall = perCall.chance(0.3) ? perCall.int(2, 10) : 1;
  // Uses its own random stream, so that the other draws of the seed do not change.
  const identity = new Random(seed, 'identity');
  const scenario = {
    seed,
    clouds: Object.fromEntries(
      Object.entries(configs).map(([name, one]) => [name, withBatches(seed, name, one, mostPerCall)]),
    ),
    connections,
    fleets,
    networkGraceMs: sharing.pick([0, 0, 20_000, 5 * MINUTE_MS, 20 * MINUTE_MS]),
    disturbance: disturbed,
    cloudFaults: faults,
    incidents: [
      ...incidents(random, connections, troubleMs),
      ...losses(seed, connections, troubleMs),
      ...rotations(identity, connections, troubleMs),
      ...emptyLists(seed, configs, fleets, faults),
      ...deedsOutside(seed, clouds, troubleMs),
      ...protections(seed, clouds, fleets),
      ...networkQuotas(seed, connections, troubleMs),
    ],
    troubleMs,
    sweepIntervalMs: random.int(3, 10) * MINUTE_MS,
    graceSeconds: random.int(60, 600),
    planted: planted(random, connections),
    driverConcurrency: random.int(2, 6),
    driverTimeoutMs: random.pick([20_000, 60_000]),
    skewMs: random.chance(0.1) ? 10 * MINUTE_MS : 0,
    tellsAccounts: identity.chance(0.8),
    hasLeftovers: identity.chance(0.6),
    hasOperator: true,
    turnovers: turnovers(seed, clouds, configs),
    singles: singles(seed, connections, configs),
    restore: restoreOf(seed, troubleMs),
  };
  return { ...scenario, secondWriter: secondWriterOf(seed, troubleMs, settled(scenario)) };
}

/**
 * Returns the connections without an `account-changed` incident, which would hide the first deployment's
 * marks from a second deployment.
 */
function settled({
  connections,
  incidents: befalling,
}: Pick<Scenario, 'connections' | 'incidents'>): string[] {
  const changed = befalling.flatMap((one) => (one.kind === 'account-changed' ? [one.account] : []));
  return connections.map(({ name }) => name).filter((name) => !changed.includes(name));
}
