import * as z from 'zod';
import type { Market } from '../../model/market.ts';
import { holdersSchema } from './pack-holders.ts';
import { probeSchema } from './probes.ts';
import { closedSchema } from './quotas.ts';
import { callStateSchema, IDLE_CALLS } from './rate.ts';

/** Entry of the negative cache of capacity: a zone, instance type and market for which the cloud had no capacity. */
const scarceSchema = z.object({
  sinceMs: z.number(),
  /** Before this time, a launch that may move to another location goes there without a call here. */
  untilMs: z.number(),
  probe: probeSchema.optional(),
});

/** Entry of the denials of a site: an instance type in a market of which the cloud denies a create to the credential. */
const denialSchema = z.object({
  message: z.string(),
  sinceMs: z.number(),
  /** From this time on, one launch may test whether the cloud still denies the call. */
  retryAtMs: z.number(),
  /** Time from the latest denial to `retryAtMs`. */
  delayMs: z.number(),
  /** Fleet id → round of launching in which a launch of the fleet last asked the cloud. */
  askedIn: z.record(z.string(), z.number()),
  probe: probeSchema.optional(),
});
export type Denial = z.infer<typeof denialSchema>;

/** Everything that the governor knows about creates at one site. It is one item, so that each decision is one write. */
export const siteStateSchema = callStateSchema.extend({
  /** Schedule of machines. The fields of the state itself are the schedule of create calls. Absent: none was counted. */
  machines: callStateSchema.optional(),
  /** Schedules of the machines of families of instance types that have limits of their own. */
  families: z.record(z.string(), callStateSchema).optional(),
  /** Slot holders: instance id → time from which the create call may go out. */
  holders: holdersSchema,
  /**
   * Start times of throttled calls for several machines. The permits of these machines have the same start time, so that
   * they share a call again, although the rate would space them.
   */
  together: z.array(z.number()).optional(),
  /** Number of the site's hold of a location slot of the connection; absent while no instance has a slot. */
  locationHold: z.int().optional(),
  /** Time at which the hold on the location slot was taken. */
  locationSinceMs: z.number().optional(),
  /** Tag of the last launch that was served from the launch queue. */
  turn: z.number().optional(),
  /**
   * Time at which an instance was first seen running at the site. Some clouds need one running instance before further
   * instances are created.
   */
  ranAtMs: z.number().optional(),
  /** Circuit breaker: number of answers `Unavailable` in a row, and the time of the next probe. */
  outage: z
    .object({
      failures: z.int(),
      sinceMs: z.number(),
      probeAtMs: z.number(),
      /** Instance whose launch is the probe. */
      probeId: z.string().optional(),
    })
    .optional(),
  /** Negative cache of capacity, by the key that `capacityScope` returns. */
  scarce: z.record(z.string(), scarceSchema).optional(),
  /** Negative cache of quotas, by family of instance types, or by what the quota is about; see `closeQuota`. */
  closed: z.record(z.string(), closedSchema).optional(),
  /** The quota of network resources, while it is used up; see `network-quota.ts`. The probe has the id of a fleet. */
  networks: z
    .object({
      message: z.string(),
      metBy: z.string(),
      sinceMs: z.number(),
      nextTryAtMs: z.number(),
      delayMs: z.number(),
      askedIn: z.record(z.string(), z.number()),
      probe: probeSchema.optional(),
    })
    .optional(),
  /** What the cloud denies to the credential, by the key that `denialScope` returns; see `denials.ts`. */
  denied: z.record(z.string(), denialSchema).optional(),
  /**
   * Which budget of the connection is used up, for example `createsPerDay`. Before `untilMs`, no launch of the site
   * asks for budget.
   */
  budget: z.object({ reason: z.string(), untilMs: z.number() }).optional(),
});
export type SiteState = z.infer<typeof siteStateSchema>;

export const IDLE_SITE: SiteState = { ...IDLE_CALLS, holders: {} };

/** What a lack of capacity is about: an instance type and a market, in a zone, or at the location if it is not known. */
export interface CapacityScope {
  zone?: string | undefined;
  instanceType: string;
  /** Absent: on-demand. */
  market?: Market | undefined;
  /** The reservation, in the market `reserved`. */
  reservationId?: string | undefined;
}

/**
 * Returns the key under which a lack of capacity is cached: zone, instance type and market. Reservations are apart from
 * each other.
 */
export function capacityScope(scope: CapacityScope): string {
  const { instanceType, zone, market = 'on-demand', reservationId } = scope;
  const within = market === 'reserved' && reservationId !== undefined ? `:${reservationId}` : '';
  return `${zone ?? '*'} ${instanceType} ${market}${within}`;
}

/** Parses a key that `capacityScope` made. */
export function scopeOf(scope: string): { zone?: string; instanceType: string; market: string } {
  const [zone = '*', instanceType = '', market = ''] = scope.split(' ');
  return { ...(zone === '*' ? {} : { zone }), instanceType, market };
}

/** Returns the key under which a denial is cached: instance type, and market unless it is on-demand. */
export const denialScope = ({ instanceType, market = 'on-demand' }: CapacityScope): string =>
  market === 'on-demand' ? instanceType : `${instanceType} ${market}`;

/** Parses a key that `denialScope` made. */
export function deniedOf(scope: string): { instanceType: string; market: string } {
  const [instanceType = '', market = 'on-demand'] = scope.split(' ');
  return { instanceType, market };
}
