import type { GroupType, NodeGroup } from '../../model/fleet.ts';
import { DEFAULT_MARKETS, type Market } from '../../model/market.ts';

type Typed = Pick<
  NodeGroup,
  | 'instanceType'
  | 'types'
  | 'vcpus'
  | 'gpus'
  | 'memoryGb'
  | 'pricesUsdPerHour'
  | 'spotPricesUsdPerHour'
  | 'markets'
  | 'maxUsdPerHour'
>;

/** An instance type in a market: what one attempt of an instance asks for. */
export interface Choice {
  type: GroupType;
  market: Market;
}

/** The type and market in the record of an instance. Absent: no attempt of the instance has one at the location. */
export interface Recorded {
  instanceType?: string | undefined;
  market?: Market | undefined;
}

/** Returns the instance types of a node group in the order of trial. Pure. */
export function typesOf(
  group: Omit<Typed, 'markets' | 'maxUsdPerHour'>,
): readonly [GroupType, ...GroupType[]] {
  const [first, ...others] = group.types ?? [];
  if (first) return [first, ...others];
  const { instanceType: name, vcpus = 0, gpus = 0, memoryGb = 0, pricesUsdPerHour } = group;
  const { spotPricesUsdPerHour } = group;
  const spot = spotPricesUsdPerHour === undefined ? {} : { spotPricesUsdPerHour };
  return [{ name, vcpus, gpus, memoryGb, pricesUsdPerHour, ...spot }];
}

/** Returns the markets of a node group in the order of trial. Pure. */
export const marketsOf = ({ markets }: Pick<NodeGroup, 'markets'>): readonly Market[] =>
  markets ?? DEFAULT_MARKETS;

/**
 * Returns what a node group may ask for at a location, in the order of trial: all its types in a market, then all its
 * types in the next market. Leaves out what the location does not offer, and what is known to cost more than the group
 * allows. Pure.
 */
export function choicesAt(group: Typed, location: string): Choice[] {
  return marketsOf(group).flatMap((market) =>
    typesOf(group)
      .map((type) => ({ type, market }))
      .filter((choice) => isOffered(choice, location) && isAffordable(group, choice, location)),
  );
}

/**
 * Returns what an instance's attempt asks for: the type and market in its record, else the first choice that the
 * location offers. Pure.
 *
 * @param recorded a user may have given the machine a type that the node group does not have
 */
export function choiceFor(group: Typed, location: string, recorded: Recorded): Choice {
  const choices = choicesAt(group, location);
  const types = typesOf(group);
  const known = types.find(({ name }) => name === recorded.instanceType);
  const { market = choices[0]?.market ?? marketsOf(group)[0] ?? 'on-demand' } = recorded;
  return { type: known ?? choices.find((one) => one.market === market)?.type ?? types[0], market };
}

/** Returns the instance type of an instance's attempt; see `choiceFor`. Pure. */
export const typeFor = (group: Typed, location: string, recorded: string | undefined): GroupType =>
  choiceFor(group, location, { instanceType: recorded }).type;

/**
 * Returns the first choice at the location that an instance has not tried: another type of its market, else the first
 * type of a later market. Pure.
 *
 * @param market the market of the instance's attempt. Earlier markets have been tried
 * @param tried names of the types that the instance has tried in this market; `all`: no other type of this market helps
 * @param skipped markets in which the instance may not be launched
 */
export function nextChoice(
  group: Typed,
  location: string,
  market: Market,
  tried: readonly string[] | 'all',
  skipped: readonly Market[] = [],
): Choice | undefined {
  const order = marketsOf(group);
  const at = order.indexOf(market);
  return choicesAt(group, location).find((choice) => {
    if (choice.market === market) return tried !== 'all' && !tried.includes(choice.type.name);
    return order.indexOf(choice.market) > at && !skipped.includes(choice.market);
  });
}

/**
 * Returns what a machine of this choice costs per hour in US dollars at the location, without its address. A machine in
 * a reservation costs what it costs on demand. Pure.
 *
 * @returns undefined if the price is not known
 */
export function priceOf({ type, market }: Choice, location: string): number | undefined {
  const { pricesUsdPerHour, spotPricesUsdPerHour = {} } = type;
  return market === 'spot' ? spotPricesUsdPerHour[location] : pricesUsdPerHour[location];
}

/** Returns true if the location offers the type in this market. A cloud tells a price for what it offers as spot. */
export function isOffered({ type, market }: Choice, location: string): boolean {
  const { notOfferedIn = [], spotPricesUsdPerHour = {} } = type;
  if (notOfferedIn.includes(location)) return false;
  return market !== 'spot' || spotPricesUsdPerHour[location] !== undefined;
}

/** Returns false if the choice is known to cost more than the node group allows. */
function isAffordable({ maxUsdPerHour }: Typed, choice: Choice, location: string): boolean {
  const price = priceOf(choice, location);
  return maxUsdPerHour === undefined || price === undefined || price <= maxUsdPerHour;
}

type Size = Pick<GroupType, 'vcpus' | 'gpus' | 'memoryGb'>;

/** Returns the most that an instance may have of each resource, over all these types. Pure. */
export const heaviestType = (types: readonly Size[]): Size => extremes(types, Math.max);

/** Returns the least that an instance may have of each resource, over all these types. Pure. */
export const lightestType = (types: readonly Size[]): Size => extremes(types, Math.min);

function extremes(types: readonly Size[], extreme: (...values: number[]) => number): Size {
  const of = (resource: keyof Size) => extreme(...types.map((type) => type[resource]));
  return { vcpus: of('vcpus'), gpus: of('gpus'), memoryGb: of('memoryGb') };
}
