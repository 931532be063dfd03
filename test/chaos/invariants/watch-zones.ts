import * as z from 'zod';
import { instanceItemSchema } from '../../../functions/platform/store/instances.ts';
import { placementKey } from '../../../functions/platform/store/keys.ts';
import type { CloudConfig } from '../../../local/sim/engine/config.ts';
import type { Ground } from '../ground/ground.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import { type Violation, violationBy } from './violation.ts';

const placementSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  cloud: z.string(),
  launching: z.string(),
  round: z.number(),
});

/**
 * Words about an instance that may not be on demand, and that found no spot machine for a reason that is the same in all
 * zones.
 */
const NOT_OF_CAPACITY = /(quota|may not call|spot price|boot).* may be on demand/;

/**
 * Checks that an instance fails for lack of capacity only after every zone of its location has refused it. A launch
 * that has stopped, or whose time limit is over, tries no further zone.
 */
export class ZoneWatch {
  readonly #ground: Ground;
  readonly #violations: Violation[];
  readonly #clouds: Readonly<Record<string, CloudConfig>>;
  readonly #skewMs: number;
  readonly #placements = new Map<string, z.infer<typeof placementSchema>>();

  constructor(
    ground: Ground,
    violations: Violation[],
    { clouds, skewMs }: { clouds: Readonly<Record<string, CloudConfig>>; skewMs: number },
  ) {
    this.#ground = ground;
    this.#violations = violations;
    this.#clouds = clouds;
    this.#skewMs = skewMs;
  }

  readonly onRecord = (before: Item | undefined, after: Item | undefined): void => {
    const placement = placementSchema.safeParse(after).data;
    if (placement) this.#placements.set(`${placement.pk} ${placement.sk}`, placement);
    if (after?.['status'] !== 'Failed' || before?.['status'] === 'Failed') return;
    const record = instanceItemSchema.safeParse(after).data;
    if (record?.failure?.code !== 'InsufficientCapacity') return;
    const { fleetId, connectionKey, location, round, deadlineAtMs, zone, triedZones, instanceId } = record;
    if (NOT_OF_CAPACITY.test(record.failure.message)) return;
    const { pk, sk } = placementKey(fleetId, connectionKey, location);
    const at = this.#placements.get(`${pk} ${sk}`);
    if (at?.launching !== 'on' || at.round !== round) return;
    if (deadlineAtMs <= this.#ground.now() + 2 * this.#skewMs) return;
    const tried = new Set([...triedZones.map((one) => one.zone), zone]);
    const untried = this.#clouds[at.cloud]?.locations[location]?.zones.filter((one) => !tried.has(one)) ?? [];
    if (untried.length === 0) return;
    const text = `${instanceId} failed for lack of capacity, and had not tried ${untried.join(', ')}`;
    this.#ground.trace.add('INVARIANT', `policy: ${text}`);
    this.#violations.push(violationBy('policy', text, this.#ground.caller));
  };
}
