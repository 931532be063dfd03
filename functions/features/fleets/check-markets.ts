import type { DriverMetadata } from '../../drivers/contract/metadata.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import type { Market, MarketFields } from '../../model/market.ts';
import { onDemandLimit } from '../../model/market.ts';
import type { Warning } from '../../model/warning.ts';
import {
  type Choice,
  choicesAt,
  isOffered,
  marketsOf,
  priceOf,
  typesOf,
} from '../../platform/placement/choose-type.ts';
import type { RequestError } from './request-error.ts';

/** What a node group says about markets and prices, as far as it is well-formed. */
export type GroupMarkets = MarketFields & {
  size?: number | undefined;
  maxOnDemandPercent?: number | undefined;
};

/**
 * Checks the markets of a node group against what the driver has. Pure.
 *
 * @param pointer JSON pointer of the group in the request body
 */
export function checkMarkets(
  pointer: string,
  group: GroupMarkets,
  driver: Pick<DriverMetadata, 'title' | 'capabilities'>,
): RequestError[] {
  if (driver.capabilities.includes('markets')) return [];
  return marketsOf({ markets: group.markets }).flatMap((market, at) =>
    market === 'on-demand'
      ? []
      : [
          {
            pointer: `${pointer}/markets/${at}`,
            code: 'unsupported',
            message: `the driver of ${driver.title} does not support the market ${market}`,
          },
        ],
  );
}

type Resolved = Pick<
  NodeGroup,
  'instanceType' | 'types' | 'pricesUsdPerHour' | 'spotPricesUsdPerHour' | 'vcpus' | 'gpus' | 'memoryGb'
>;

/** Where a node group can be launched in its markets, for its price. */
export interface MarketAnswer {
  errors: RequestError[];
  warnings: Warning[];
  /** The locations that the group keeps. */
  locations: string[];
}

/**
 * Finds what a node group can ask for in its markets, for its price. A location where it can ask for nothing is left out,
 * with a warning, so that the group goes to its other locations. Pure.
 *
 * @param locations the group's known locations
 */
export function resolveMarkets(
  pointer: string,
  resolved: Resolved,
  markets: GroupMarkets,
  locations: readonly string[],
): MarketAnswer {
  const { size = 1, ...ofMarkets } = markets;
  const group = { ...resolved, ...ofMarkets };
  const errors = [...notOffered(pointer, group, locations), ...belowEveryOffer(pointer, group, locations)];
  if (errors.length > 0) return { errors, warnings: [], locations: [...locations] };
  const isLimited = onDemandLimit({ ...ofMarkets, size }) !== undefined;
  const warnings: Warning[] = [];
  const kept = locations.filter((location) => {
    const [first] = choicesAt(group, location);
    if (first && !(isLimited && first.market === 'on-demand')) return true;
    warnings.push(first ? withoutSpot(pointer, location) : tooExpensive(pointer, group, location));
    return false;
  });
  if (kept.length > 0) return { errors: [], warnings, locations: kept };
  const [reason] = warnings;
  return { errors: reason ? [{ ...reason, code: 'not-offered' }] : [], warnings: [], locations: kept };
}

type Group = Resolved & MarketFields;

/** Finds the markets in which no location offers a type, and the locations that offer none in any market. */
function notOffered(pointer: string, group: Group, locations: readonly string[]): RequestError[] {
  const of = (market: Market, location: string) =>
    typesOf(group).some((type) => isOffered({ type, market }, location));
  const markets = marketsOf(group);
  const nowhere = markets.flatMap((market, at) =>
    market !== 'spot' || locations.length === 0 || locations.some((location) => of(market, location))
      ? []
      : [
          {
            pointer: `${pointer}/markets/${at}`,
            code: 'not-offered',
            message: "none of the instance types is offered as spot in any of the node group's locations now",
          },
        ],
  );
  if (nowhere.length > 0 || markets.some((market) => market !== 'spot')) return nowhere;
  return locations
    .filter((location) => !of('spot', location))
    .map((location) => ({
      pointer: `${pointer}/markets`,
      code: 'not-offered',
      message: `none of the instance types is offered as spot in location ${location} now`,
    }));
}

/** Returns an error if everything whose price is known costs more than the group allows. */
function belowEveryOffer(pointer: string, group: Group, locations: readonly string[]): RequestError[] {
  const { maxUsdPerHour } = group;
  if (maxUsdPerHour === undefined) return [];
  const known = locations.flatMap((location) => pricedAt(group, location));
  const [lowest] = known.toSorted((a, b) => a.usdPerHour - b.usdPerHour);
  if (!lowest || lowest.usdPerHour <= maxUsdPerHour) return [];
  return [
    {
      pointer: `${pointer}/maxUsdPerHour`,
      code: 'below-every-offer',
      message: `must be at least ${wordsOf(lowest)}, which is the lowest price of what the node group allows`,
    },
  ];
}

interface Priced extends Choice {
  location: string;
  usdPerHour: number;
}

/** Returns what the location offers of the group's types in its markets, as far as the price is known. */
function pricedAt(group: Group, location: string): Priced[] {
  return choicesAt({ ...group, maxUsdPerHour: undefined }, location).flatMap((choice) => {
    const usdPerHour = priceOf(choice, location);
    return usdPerHour === undefined ? [] : [{ ...choice, location, usdPerHour }];
  });
}

const wordsOf = ({ type, market, location, usdPerHour }: Priced): string =>
  `${usdPerHour} USD per hour (${type.name}${market === 'on-demand' ? '' : ` as ${market}`} in ${location})`;

function tooExpensive(pointer: string, group: Group, location: string): Warning {
  const [lowest] = pricedAt(group, location).toSorted((a, b) => a.usdPerHour - b.usdPerHour);
  const price = lowest ? `: the lowest price there is ${wordsOf(lowest)}` : '';
  return {
    pointer: `${pointer}/maxUsdPerHour`,
    code: 'location-too-expensive',
    message: `no instance is created in ${location}, where everything costs more${price}`,
  };
}

function withoutSpot(pointer: string, location: string): Warning {
  return {
    pointer: `${pointer}/maxOnDemandPercent`,
    code: 'location-without-spot',
    message: `no instance is created in ${location}, which offers none of the instance types as spot for this price`,
  };
}

/** Warns of a highest price that does not hold, because a price is not known. Pure. */
export function warnOfUnknownPrices(
  pointer: string,
  group: Group & { locations: readonly string[] },
): Warning[] {
  if (group.maxUsdPerHour === undefined) return [];
  const unknown = group.locations.flatMap((location) =>
    choicesAt(group, location).flatMap((choice) =>
      priceOf(choice, location) === undefined
        ? [`${choice.type.name} (${choice.market}) in ${location}`]
        : [],
    ),
  );
  const [first, ...others] = unknown;
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const message = `the price of ${first} is not known${more}: instances may cost more than this`;
  return [{ pointer: `${pointer}/maxUsdPerHour`, code: 'price-unknown', message }];
}
