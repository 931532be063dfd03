import type { Offer } from '../../model/cloud.ts';
import { choiceFor, typeFor } from '../../platform/placement/choose-type.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import { microUsdPerHourOf } from '../../platform/placement/machine-price.ts';
import { readCatalogue } from '../../platform/store/catalogue.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/**
 * Adds the price of the new type to each change of an instance's type. If the catalogue has no price for the type, the
 * price stays as it is.
 */
export async function withPrices(
  context: WorkerContext,
  changes: readonly StatusChange[],
): Promise<StatusChange[]> {
  return await Promise.all(
    changes.map(async (change) => {
      const { record, fields, clears = [] } = change;
      const type = fields?.instanceType;
      if (type === undefined || type === (await typeOf(context, record))) return change;
      const microUsdPerHour = await priceOf(context, record, type);
      if (microUsdPerHour === undefined) return change;
      const priced = { ...change, fields: { ...fields, microUsdPerHour } };
      return record.isUnpriced ? { ...priced, clears: [...clears, 'isUnpriced'] } : priced;
    }),
  );
}

/** Returns the type by which the record's price was set. */
async function typeOf(
  context: WorkerContext,
  { fleetId, index, location, instanceType }: InstanceItem,
): Promise<string | undefined> {
  if (instanceType !== undefined) return instanceType;
  const group = groupAt((await context.layout(fleetId)).placements, index)?.group;
  return group && typeFor(group, location, undefined).name;
}

async function priceOf(
  { store, layout }: WorkerContext,
  { fleetId, index, connectionKey, location, zone, market }: InstanceItem,
  instanceType: string,
): Promise<number | undefined> {
  const named = { location, instanceType, ...(zone === undefined ? {} : { zone }) };
  const { offers } = await readCatalogue(store, connectionKey, {
    locations: [],
    instanceTypes: [],
    offers: [named],
    images: [],
  });
  const isHere = (offer: Offer) => offer.zone !== undefined && offer.zone === zone;
  const offer = offers.find(isHere) ?? offers.find((one) => one.zone === undefined);
  const group = groupAt((await layout(fleetId)).placements, index)?.group;
  const isSpot = group && choiceFor(group, location, { instanceType, market }).market === 'spot';
  const price = isSpot ? offer?.spotPriceUsdPerHour : offer?.priceUsdPerHour;
  return price === undefined ? undefined : microUsdPerHourOf(group ?? {}, location, price);
}
