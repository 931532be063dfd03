import { FLEET_ACTIONS, type FleetActionRequest } from '../../../functions/model/fleet-action.ts';
import { type FleetRequest, fleetRequestSchema } from '../../../functions/model/fleet-request.ts';
import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import type { Random } from '../time/random.ts';
import { type ConnectionScript, LOCATIONS } from './draw-clouds.ts';

const MINUTE_MS = 60_000;

export interface FleetScript {
  request: FleetRequest;
  createAtMs: number;
  /**
   * Times at which the user deletes the fleet during the trouble, the time in which things go wrong. Each
   * entry is one request.
   */
  deleteAtMs: readonly number[];
  /** Actions that the user requests, even if the fleet's status does not allow them. */
  actions: readonly { atMs: number; request: FleetActionRequest }[];
  /**
   * Set if the machines go into networks that a user has made. `wrong`: the request names a security group that does not
   * exist.
   */
  usesGiven?: 'right' | 'wrong';
}

/** Lets some of the fleets share networks, most of them because they say nothing of a network. */
export const sharers = (random: Random, scripts: readonly FleetScript[]): FleetScript[] =>
  scripts.map((script, at) => {
    const mode = random.chance(0.6) ? 'shared' : 'dedicated';
    if (mode === 'shared' && at > 0) return script;
    return { ...script, request: { ...script.request, network: { mode } } };
  });

/**
 * Draws small fleets that come and go at one site at the same time. Some begin when others end, so that a network's
 * last user leaves while another fleet joins.
 */
export function passersBy(
  random: Random,
  connections: readonly ConnectionScript[],
  clouds: Readonly<Record<string, CloudConfig>>,
): FleetScript[] {
  if (random.chance(0.6)) return [];
  const { name: connection, cloud: cloudName } = random.pick(connections);
  const location = random.pick(Object.keys(clouds[cloudName]?.locations ?? {}));
  return Array.from({ length: random.int(2, 6) }, (_, at): FleetScript => {
    const createAtMs = random.int(0, 6 * MINUTE_MS);
    const request = fleetRequestSchema.parse({
      name: `passer-${at}`,
      failurePolicy: random.pick(['continue', 'rollback', 'refine']),
      network: { mode: 'shared' },
      nodeGroups: [
        {
          name: 'all',
          size: random.int(1, 2),
          connection,
          locations: [location],
          instanceType: 'small',
          image: 'linux',
          ...(random.chance(0.3) ? { ssh: { allowFrom: '10.0.0.0/8' } } : {}),
        },
      ],
    });
    const deleteAtMs = [createAtMs + random.pick([2_000, 30_000, 90_000, 200_000]) + random.int(0, 10_000)];
    return { request, createAtMs, actions: [], deleteAtMs: random.chance(0.8) ? deleteAtMs : [] };
  });
}

export function fleetScripts(
  random: Random,
  connections: readonly ConnectionScript[],
  clouds: Readonly<Record<string, CloudConfig>>,
): FleetScript[] {
  const count = random.int(1, 3);
  const total = random.int(10, 60);
  const racing = count > 1 && random.chance(0.2);
  return Array.from({ length: count }, (_, at) => {
    const groups = random.shuffle(connections).slice(0, random.int(1, connections.length));
    const size = Math.max(groups.length, Math.round(total / count));
    const createAtMs = racing ? random.int(0, 200) : random.int(0, 3 * MINUTE_MS);
    const request = fleetRequestSchema.parse({
      name: racing ? 'racing' : `fleet-${at}`,
      failurePolicy: random.pick(['continue', 'continue', 'rollback', 'refine']),
      ...(random.chance(0.3) ? { minimumInstances: random.int(1, size) } : {}),
      ...(random.chance(0.4) ? { priority: random.pick(['low', 'high'] as const) } : {}),
      ...(random.chance(0.1)
        ? { hold: random.chance(0.5) ? { expiresInSeconds: random.int(60, 900) } : {} }
        : {}),
      nodeGroups: groups.map(({ name, cloud: cloudName }, index) => ({
        name: `group-${index}`,
        size: Math.floor(size / groups.length) + (index === 0 ? size % groups.length : 0),
        connection: name,
        locations: random
          .shuffle(Object.keys(clouds[cloudName]?.locations ?? {}))
          .slice(0, random.int(1, LOCATIONS.length)),
        ...(random.chance(0.15) ? { minimumInstances: 1 } : {}),
        instanceType: 'small',
        image: 'linux',
        ...(random.chance(0.3) ? { ssh: { allowFrom: '10.0.0.0/8' } } : {}),
        ...(random.chance(0.3) ? { instanceTimeoutSeconds: random.pick([60, 180, 600]) } : {}),
      })),
    });
    const deleted = random.chance(0.45);
    const deleteAtMs =
      createAtMs + random.pick([500, 5_000, 30_000, 90_000, 600_000]) + random.int(0, 20_000);
    return {
      request,
      createAtMs,
      actions: random.chance(0.4) ? actions(random, createAtMs) : [],
      deleteAtMs: deleted
        ? [deleteAtMs, ...(random.chance(0.4) ? [deleteAtMs + random.int(0, 90_000)] : [])]
        : [],
    };
  });
}

function actions(random: Random, createAtMs: number): FleetScript['actions'] {
  return Array.from({ length: random.int(1, 4) }, () => {
    const action = random.pick(FLEET_ACTIONS);
    const request: FleetActionRequest =
      action === 'hold' && random.chance(0.5)
        ? { action, expiresInSeconds: random.int(60, 900) }
        : { action };
    return {
      atMs: createAtMs + random.pick([2_000, 20_000, 90_000, 300_000, 900_000]) + random.int(0, 20_000),
      request,
    };
  });
}
