import { z } from 'zod';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { holdersSchema } from './pack-holders.ts';
import { callStateSchema, IDLE_CALLS } from './rate.ts';

/** The one launch that finds out whether there is something again. */
const probeSchema = z.object({ instanceId: z.string(), untilMs: z.number() });

/** Location, zone, type and market of which the cloud had nothing left. */
const scarceSchema = z.object({
  sinceMs: z.number(),
  /** Until then nobody asks again who can go elsewhere. */
  untilMs: z.number(),
  probe: probeSchema.optional(),
});

/** A family of instance types of which the account's quota is used up. */
const closedSchema = z.object({
  message: z.string(),
  sinceMs: z.number(),
  /** From then on one launch finds out whether the quota was raised. */
  retryAtMs: z.number(),
  /** Fleets that have asked since, with their round: a later round is somebody's wish to try again. */
  askedIn: z.record(z.string(), z.number()),
  probe: probeSchema.optional(),
});

/** Everything that the governor knows of creating at one site. One item, so that each decision is one write. */
export const siteStateSchema = callStateSchema.extend({
  /** Instance id → from when on its call may go out. */
  holders: holdersSchema,
  /** Which hold on the connection's location slot this site has; absent while nothing is being created. */
  locationHold: z.int().optional(),
  /** When that hold was taken. */
  locationSinceMs: z.number().optional(),
  /** Tag of the last waiting launch that got its turn. */
  turn: z.number().optional(),
  /** When an instance was first seen running here, for clouds that want one to run before the others. */
  ranAtMs: z.number().optional(),
  /** Calls in a row that the location did not take, and when somebody asks next, once they are too many. */
  outage: z
    .object({
      failures: z.int(),
      sinceMs: z.number(),
      probeAtMs: z.number(),
      /** The launch that asks. */
      probeId: z.string().optional(),
    })
    .optional(),
  scarce: z.record(z.string(), scarceSchema).optional(),
  /** By family of instance types. */
  closed: z.record(z.string(), closedSchema).optional(),
  /** The connection's budget is used up until then. */
  budget: z.object({ reason: z.string(), untilMs: z.number() }).optional(),
});
export type SiteState = z.infer<typeof siteStateSchema>;

export const IDLE_SITE: SiteState = { ...IDLE_CALLS, holders: {} };

/** What shares a lack of capacity. */
export const capacityScope = ({ instanceType, zone }: Pick<WantedCreate, 'instanceType' | 'zone'>): string =>
  `${zone ?? '*'} ${instanceType} on-demand`;

/** What `capacityScope` was made of. */
export function scopeOf(scope: string): { zone?: string; instanceType: string; market: string } {
  const [zone = '*', instanceType = '', market = ''] = scope.split(' ');
  return { ...(zone === '*' ? {} : { zone }), instanceType, market };
}

/** What shares a quota: `m6i` of `m6i.large`, `n2-standard` of `n2-standard-4`, `ecs.g7` of `ecs.g7.large`. */
export function familyOf(instanceType: string): string {
  const [, family] = /^(.+)[.\-_][^.\-_]+$/.exec(instanceType) ?? [];
  return family ?? instanceType;
}
