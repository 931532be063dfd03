import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import { Random } from '../time/random.ts';
import type { CloudName } from './draw-clouds.ts';

const MINUTE_MS = 60_000;

/** A connection that is created and deleted while other requests use it or its name. */
export interface Turnover {
  name: string;
  cloud: CloudName;
  /**
   * `own`: a namespace that is created and deleted, too. `default`: the namespace of all other connections.
   */
  namespace: 'own' | 'default';
  atMs: number;
  /** Time within which requests of one group begin, in ms. */
  withinMs: number;
  /**
   * Number of requests that create the connection. After these, the requests to rotate it, to create fleets
   * on it and to delete it begin together.
   */
  creates: number;
  rotations: number;
  fleets: readonly FleetRequest[];
  deletes: number;
}

export function turnovers(
  seed: number,
  clouds: readonly CloudName[],
  configs: Readonly<Record<string, CloudConfig>>,
): Turnover[] {
  const random = new Random(seed, 'turnovers');
  if (random.chance(0.6)) return [];
  return Array.from({ length: random.int(1, 2) }, (_, at): Turnover => {
    const cloudName = random.pick(clouds);
    const name = `turn-${at}`;
    const namespace = random.chance(0.25) ? 'own' : 'default';
    return {
      name,
      cloud: cloudName,
      namespace,
      atMs: random.int(0, 4 * MINUTE_MS),
      withinMs: random.pick([0, 100, 200, 2_000]),
      creates: random.int(1, 5),
      rotations: random.int(0, 2),
      fleets:
        namespace === 'own' ? [] : fleetsOn(random, name, Object.keys(configs[cloudName]?.locations ?? {})),
      deletes: random.int(1, 2),
    };
  });
}

function fleetsOn(random: Random, connection: string, locations: readonly string[]): FleetRequest[] {
  return Array.from({ length: random.int(1, 4) }, (_, at) =>
    fleetRequestSchema.parse({
      name: `on-${connection}-${at}`,
      failurePolicy: 'continue',
      nodeGroups: [
        {
          name: 'all',
          size: random.int(1, 2),
          connection,
          locations: locations.slice(0, 1),
          instanceType: 'small',
          image: 'linux',
        },
      ],
    }),
  );
}
