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
