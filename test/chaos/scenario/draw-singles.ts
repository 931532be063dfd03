import { type InstanceRequest, instanceRequestSchema } from '../../../functions/model/fleet-request.ts';
import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import { Random } from '../time/random.ts';
import type { ConnectionScript } from './draw-clouds.ts';

const MINUTE_MS = 60_000;

/** A user who asks for one instance and waits for it in the request. */
export interface SingleScript {
  request: InstanceRequest;
  atMs: number;
  /** The preference `wait` of the request, in seconds. Absent: the request does not wait. */
  waitSeconds?: number;
  /** True if the user gives up and sends the same request again while the first one still waits. */
  isRepeated: boolean;
  /** Time from the request until the user deletes the instance, in ms; it may still be waited for. Absent: never. */
  deletedAfterMs?: number;
}

/** The key of alike instances. Its bytes are 0 to 31. */
const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';

/**
 * Draws instances that are alike and are asked for within seconds, so that they may share create calls. Some are deleted
 * before their call goes out, while it is under way, or soon afterwards.
 */
export function alikeSingles(
  seed: number,
  connections: readonly ConnectionScript[],
  clouds: Readonly<Record<string, CloudConfig>>,
): SingleScript[] {
  const random = new Random(seed, 'alike singles');
  if (random.chance(0.6)) return [];
  const batching = connections.filter(({ cloud }) => (clouds[cloud]?.instancesPerCall ?? 1) > 1);
  const { name: connection, cloud } = random.pick(batching.length > 0 ? batching : connections);
  const location = random.pick(Object.keys(clouds[cloud]?.locations ?? {}));
  const startMs = random.int(0, 5 * MINUTE_MS);
  const withinMs = random.pick([0, 1_000, 5_000]);
  return Array.from({ length: random.int(4, 20) }, (_, at): SingleScript => {
    const request = instanceRequestSchema.parse({
      name: `alike-${at}`,
      connection,
      location,
      instanceType: 'small',
      image: 'linux',
      network: { mode: 'shared' },
      ssh: { allowFrom: '10.0.0.0/8', publicKeys: [PUBLIC_KEY] },
    });
    return {
      request,
      atMs: startMs + random.int(0, withinMs),
      isRepeated: false,
      ...(random.chance(0.3)
        ? { deletedAfterMs: random.pick([200, 600, 1_000, 1_500, 2_500, 5_000, 12_000, MINUTE_MS]) }
        : {}),
    };
  });
}

/** Draws single instances. Several may come together, so that not all of them get a seat to wait in. */
export function singles(
  seed: number,
  connections: readonly ConnectionScript[],
  clouds: Readonly<Record<string, CloudConfig>>,
): SingleScript[] {
  const random = new Random(seed, 'singles');
  if (random.chance(0.5)) return [];
  const startMs = random.int(0, 5 * MINUTE_MS);
  return Array.from({ length: random.int(1, 6) }, (_, at): SingleScript => {
    const { name: connection, cloud } = random.pick(connections);
    const request = instanceRequestSchema.parse({
      name: `single-${at}`,
      connection,
      location: random.pick(Object.keys(clouds[cloud]?.locations ?? {})),
      instanceType: 'small',
      image: 'linux',
      ...(random.chance(0.5) ? { network: { mode: 'shared' } } : {}),
      ...(random.chance(0.3) ? { instanceTimeoutSeconds: random.pick([60, 180]) } : {}),
    });
    return {
      request,
      atMs: startMs + random.pick([0, 100, 20_000, 3 * MINUTE_MS]),
      ...(random.chance(0.8) ? { waitSeconds: random.pick([1, 10, 25, 60]) } : {}),
      isRepeated: random.chance(0.25),
      ...(random.chance(0.5)
        ? { deletedAfterMs: random.pick([200, 3_000, 12_000, MINUTE_MS, 10 * MINUTE_MS]) }
        : {}),
    };
  });
}
