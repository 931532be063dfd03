import * as z from 'zod';
import type { GroupIssue } from './superseded-fields.ts';

/**
 * The ways in which a cloud sells machines. `reserved`: in capacity that the user has reserved. `spot`: for a lower
 * price, and the cloud may take the machine back at any time. `on-demand`: at the usual price.
 */
export const MARKETS = ['reserved', 'spot', 'on-demand'] as const;
export const marketSchema = z.enum(MARKETS);
export type Market = z.infer<typeof marketSchema>;
export const DEFAULT_MARKETS = ['on-demand'] as const;

const reservationIdSchema = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII characters without spaces');

/** The fields of a node group that say in which markets its instances are bought, and for how much. */
export const marketShape = {
  markets: z
    .array(marketSchema)
    .min(1)
    .max(MARKETS.length)
    .optional()
    .describe(
      'Markets in the order of trial. All instance types are tried in a market before the next market. Absent: on-demand alone.',
    ),
  reservationId: reservationIdSchema
    .optional()
    .describe("The cloud's id of the reservation that machines of the market `reserved` use."),
  maxUsdPerHour: z
    .number()
    .positive()
    .max(100_000)
    .optional()
    .describe(
      'Highest price of one instance per hour, without its address and disks. Instance types that are known to cost more are left out.',
    ),
  maxOnDemandPercent: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe(
      'The most on-demand instances, in percent of the size of the node group, rounded down. Only where on-demand follows spot. Absent: 100.',
    ),
};

/** The fields above, without those that are not well-formed. */
export const marketRemains = z.object({
  markets: z.array(marketSchema).min(1).optional().catch(undefined),
  reservationId: reservationIdSchema.optional().catch(undefined),
  maxUsdPerHour: z.number().positive().optional().catch(undefined),
});
export type MarketFields = z.infer<typeof marketRemains>;

const relatedSchema = z.object({
  markets: z
    .array(z.unknown())
    .min(1)
    .catch([...DEFAULT_MARKETS]),
});

/** Finds errors in a node group's markets that need no catalogue. Pure. */
export function marketIssues(group: Readonly<Record<string, unknown>>): GroupIssue[] {
  const issues: GroupIssue[] = [];
  const add = (field: string, code: string, message: string) => issues.push({ path: [field], code, message });
  const { markets } = relatedSchema.parse(group);
  if (new Set(markets).size < markets.length) add('markets', 'duplicate', 'must name each market only once');
  const isReserved = markets.includes('reserved');
  if (isReserved && group['reservationId'] === undefined)
    add('reservationId', 'missing', 'must be given, because `markets` contains reserved');
  if (!isReserved && group['reservationId'] !== undefined)
    add('reservationId', 'contradictory', 'must be left out, or `markets` must contain reserved');
  if (group['maxOnDemandPercent'] !== undefined && !followsSpot(markets)) {
    const message = 'must be left out, or `markets` must contain on-demand after spot';
    add('maxOnDemandPercent', 'contradictory', message);
  }
  return issues;
}

function followsSpot(markets: readonly unknown[]): boolean {
  const spot = markets.indexOf('spot');
  return spot >= 0 && markets.indexOf('on-demand') > spot;
}

/**
 * Returns the most on-demand instances that a node group may have at any moment. Pure.
 *
 * @returns undefined if nothing limits them
 */
export function onDemandLimit({
  size,
  markets = [...DEFAULT_MARKETS],
  maxOnDemandPercent = 100,
}: {
  size: number;
  markets?: readonly Market[] | undefined;
  maxOnDemandPercent?: number | undefined;
}): number | undefined {
  if (maxOnDemandPercent >= 100 || !followsSpot(markets)) return undefined;
  return Math.floor((size * maxOnDemandPercent) / 100);
}
