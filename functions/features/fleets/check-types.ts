import type { Image, InstanceType, Location, Offer } from '../../model/cloud.ts';
import type { GroupType } from '../../model/fleet.ts';
import type { RequestError } from './request-error.ts';

/** A name in the request, with the JSON pointer of the field that has it. */
export interface Word {
  pointer: string;
  name: string;
}

/** The zones of one location that the node group names. Undefined: the group names no zones. */
export type NamedZones = readonly string[] | undefined;

/** What the catalogue says about one wanted instance type. */
interface CheckedType {
  word: Word;
  type: InstanceType;
  notOfferedIn: string[];
  pricesUsdPerHour: Record<string, number>;
  spotPricesUsdPerHour: Record<string, number>;
}

/** Checks the instance types of one node group at its locations, one location after the other. */
export class TypeCheck {
  readonly errors: RequestError[] = [];
  readonly #isList: boolean;
  readonly #group: string;
  readonly #offers: readonly Offer[];
  readonly #types: CheckedType[];
  #locations = 0;

  /**
   * @param group JSON pointer of the node group
   * @param words the wanted types. One type without a list has the pointer of `instanceType`
   */
  constructor(
    group: string,
    connection: string,
    words: readonly Word[],
    isList: boolean,
    found: { instanceTypes: ReadonlyMap<string, InstanceType>; offers: readonly Offer[] },
  ) {
    this.#group = group;
    this.#isList = isList;
    this.#offers = found.offers;
    this.#types = words.flatMap((word) => {
      const type = found.instanceTypes.get(word.name);
      if (type) return [{ word, type, notOfferedIn: [], pricesUsdPerHour: {}, spotPricesUsdPerHour: {} }];
      this.errors.push({
        pointer: word.pointer,
        code: 'unknown-instance-type',
        message: `connection ${connection} has no instance type ${word.name}; see \`fleetwright instance-type list --connection ${connection}\``,
      });
      return [];
    });
  }

  /** Checks which types the location offers in one of the zones, and notes their prices there. */
  checkOffers({ name: location }: Pick<Location, 'name'>, zones: NamedZones): void {
    this.#locations += 1;
    for (const one of this.#types) {
      const offers = (zones ?? [undefined]).map((zone) =>
        bestOffer(this.#offers, location, zone, one.type.name),
      );
      const offer = offers.find((known) => known?.available) ?? offers[0];
      if (!offer?.available) one.notOfferedIn.push(location);
      if (offer?.priceUsdPerHour !== undefined) one.pricesUsdPerHour[location] = offer.priceUsdPerHour;
      if (offer?.spotPriceUsdPerHour !== undefined)
        one.spotPricesUsdPerHour[location] = offer.spotPriceUsdPerHour;
    }
    if (this.#types.some(({ notOfferedIn }) => !notOfferedIn.includes(location))) return;
    const [first] = this.#types;
    if (!first) return;
    const where = `${zones === undefined ? '' : `${zones.length > 1 ? 'zones' : 'zone'} ${zones.join(', ')} of `}location ${location} now`;
    this.errors.push(
      this.#isList
        ? {
            pointer: `${this.#group}/instanceTypes`,
            code: 'not-offered',
            message: `none of the instance types is offered in ${where}`,
          }
        : {
            pointer: first.word.pointer,
            code: 'not-offered',
            message: `instance type ${first.type.name} is not offered in ${where}`,
          },
    );
  }

  /** Checks that the image boots on every type. */
  checkImage({ name, architectures }: Pick<Image, 'name' | 'architectures'>): void {
    for (const { word, type } of this.#types) {
      if (architectures.includes(type.architecture)) continue;
      this.errors.push({
        pointer: this.#isList ? word.pointer : `${this.#group}/image`,
        code: 'architecture-mismatch',
        message: `image ${name} is for ${architectures.join(', ')}, but instance type ${type.name} is ${type.architecture}`,
      });
    }
  }

  /** Returns the types in the order of trial. Adds an error for each type of a list that no location offers. */
  finish(): GroupType[] {
    for (const { word, notOfferedIn } of this.#types) {
      if (!this.#isList || this.#types.length < 2 || this.#locations === 0) continue;
      if (notOfferedIn.length < this.#locations) continue;
      const message = `instance type ${word.name} is not offered in any of the node group's locations now`;
      this.errors.push({ pointer: word.pointer, code: 'not-offered', message });
    }
    return this.#types.map(({ type, notOfferedIn, pricesUsdPerHour, spotPricesUsdPerHour }) => ({
      name: type.name,
      vcpus: type.vcpus,
      gpus: type.gpu?.count ?? 0,
      memoryGb: type.memoryGb,
      pricesUsdPerHour,
      ...(Object.keys(spotPricesUsdPerHour).length === 0 ? {} : { spotPricesUsdPerHour }),
      ...(notOfferedIn.length === 0 ? {} : { notOfferedIn }),
    }));
  }
}

/**
 * Returns the zone's offer, because its price and availability are more precise than in the location's offer.
 * If the zone has no offer, returns the offer of the whole location.
 */
function bestOffer(
  offers: readonly Offer[],
  location: string,
  zone: string | undefined,
  instanceType: string,
): Offer | undefined {
  const here = offers.filter((one) => one.location === location && one.instanceType === instanceType);
  return (
    here.find((one) => zone !== undefined && one.zone === zone) ?? here.find((one) => one.zone === undefined)
  );
}
