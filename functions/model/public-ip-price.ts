import type { Cloud } from './cloud.ts';

/**
 * Price of one public IPv4 address in use, in dollars per hour. A cloud is absent if its price is not known here.
 * `aws`: aws.amazon.com/vpc/pricing, "In-use public IPv4 address", in force since 2024-02-01; $3.65 a month.
 */
const USD_PER_HOUR: Readonly<Partial<Record<Cloud, number>>> = { aws: 0.005 };

/** AWS has another price list in its partition for China. */
const OTHER_PRICES = /^cn-/;

/** Returns the price of a public IPv4 address at a location, in dollars per hour; undefined if it is not known. */
export function publicIpUsdPerHour(cloud: Cloud, location: string): number | undefined {
  return OTHER_PRICES.test(location) ? undefined : USD_PER_HOUR[cloud];
}
