import type { Bucket } from '../../../functions/model/rate.ts';
import { Random } from '../time/random.ts';

/** Draws which clouds meter create calls and machines apart, and the rate of their calls. */
export function callRatesOf(seed: number, clouds: readonly string[]): Record<string, Bucket> {
  const random = new Random(seed, 'call rates');
  const metered = clouds.filter(() => random.chance(0.6));
  return Object.fromEntries(
    metered.map((cloud) => {
      const perSecond = random.int(1, 4);
      return [cloud, { perSecond, burst: perSecond + random.int(0, 6) }];
    }),
  );
}
