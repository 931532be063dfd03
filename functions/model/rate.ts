import * as z from 'zod';

/** Minimum rate, in calls per second: one call in 28 hours. A lower rate would have the same effect as no calls. */
export const MIN_PER_SECOND = 0.000_01;
/** Maximum rate, in calls per second. It limits nothing, because no cloud accepts so many calls. */
export const MAX_PER_SECOND = 10_000;
/** Maximum burst. The largest burst that a cloud publishes is 24,000: reads of one machine at Azure. */
export const MAX_BURST = 100_000;
/** Maximum length of a window: one day. */
const MAX_WINDOW_SECONDS = 86_400;

const bucketSchema = z
  .object({
    perSecond: z
      .number()
      .min(MIN_PER_SECOND)
      .max(MAX_PER_SECOND)
      .describe('Number of units that the cloud gives back each second.'),
    burst: z
      .number()
      .min(1)
      .max(MAX_BURST)
      .describe('Number of units that may be used together after a pause.'),
  })
  .strict();
const windowSchema = z
  .object({
    count: z
      .number()
      .min(1)
      .max(MAX_BURST * 60)
      .describe('Number of units that may be used in one window.'),
    windowSeconds: z
      .number()
      .min(1)
      .max(MAX_WINDOW_SECONDS)
      .describe(
        'Length of the windows. They begin together for all callers, at multiples of this length since 1970.',
      ),
  })
  .strict();

/** A token bucket: `burst` units after a pause, and then `perSecond`. */
export type Bucket = z.infer<typeof bucketSchema>;
/** A number of units in each window. A unit that was not used in its window is lost. */
export type Window = z.infer<typeof windowSchema>;
export type Rate = Bucket | Window;

/**
 * What a user writes: the fields of a bucket or those of a window. A plain union would report an error of the whole
 * rate; this schema reports it at the field.
 */
const writtenSchema = z
  .object({ ...bucketSchema.shape, ...windowSchema.shape })
  .partial()
  .strict()
  .superRefine((rate, context) => {
    const isWindow = rate.count !== undefined || rate.windowSeconds !== undefined;
    const [wanted, other] = isWindow
      ? ([
          ['count', 'windowSeconds'],
          ['perSecond', 'burst'],
        ] as const)
      : ([['perSecond', 'burst'], []] as const);
    for (const field of wanted) {
      if (rate[field] === undefined)
        context.addIssue({
          code: 'custom',
          path: [field],
          message: 'is missing',
          params: { code: 'missing' },
        });
    }
    for (const field of other) {
      if (rate[field] === undefined) continue;
      const message = 'must be left out: a rate has either perSecond and burst, or count and windowSeconds';
      context.addIssue({ code: 'custom', path: [field], message, params: { code: 'contradictory' } });
    }
  });

/** How fast a cloud accepts something: a token bucket or fixed windows. */
export const rateSchema = writtenSchema.pipe(z.union([bucketSchema, windowSchema]));

export const isWindow = (rate: Rate): rate is Window => 'count' in rate;

/** Returns the number of units per second in the long run. */
export const perSecondOf = (rate: Rate): number =>
  isWindow(rate) ? rate.count / rate.windowSeconds : rate.perSecond;

/** Returns the number of units that may be used together after a pause. */
export const atOnceOf = (rate: Rate): number => (isWindow(rate) ? rate.count : rate.burst);

/** Returns a rate that stays within both. A bucket and a window cannot be joined: the bucket, `one`, is then lowered. */
export function slowerOf(one: Rate, other: Rate): Rate {
  if (isWindow(one) && isWindow(other)) return perSecondOf(one) <= perSecondOf(other) ? one : other;
  const perSecond = Math.min(perSecondOf(one), perSecondOf(other));
  return { perSecond, burst: Math.min(atOnceOf(one), atOnceOf(other)) };
}

/** Returns true if a rate allows less than another one, in the long run or together after a pause. */
export const isSlowerThan = (one: Rate, other: Rate): boolean =>
  perSecondOf(one) < perSecondOf(other) || atOnceOf(one) < atOnceOf(other);
