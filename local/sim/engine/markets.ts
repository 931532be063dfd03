import { spotPriceOf } from './catalogue.ts';
import { Refusal } from './refusals.ts';
import type { CreateInput } from './requests.ts';
import { statusAt } from './status.ts';
import { named, type Target } from './world.ts';

type Wanted = Pick<CreateInput, 'market' | 'reservationId' | 'instanceType' | 'zone' | 'maxUsdPerHour'>;

/** Returns the reservation that a create asks for; undefined if it asks for none that the location has. */
export function reservationOf(
  { cloud, site }: Target,
  { market, reservationId }: Pick<Wanted, 'market' | 'reservationId'>,
) {
  if (market !== 'reserved' || reservationId === undefined) return undefined;
  return named(cloud.locations[site.key.location]?.reservations ?? {}, reservationId);
}

/**
 * Refuses a create that its market cannot have.
 *
 * @throws Refusal InvalidParameter, SpotPriceTooLow, UnknownReservation, ReservationMismatch, InsufficientCapacity
 */
export function checkMarket(target: Target, wanted: Wanted): void {
  if (wanted.market === 'spot') checkSpot(target, wanted);
  if (wanted.market === 'reserved') checkReservation(target, wanted);
}

function checkSpot({ cloud, site }: Target, { instanceType, maxUsdPerHour }: Wanted): void {
  const { location } = site.key;
  const price = spotPriceOf(cloud, location, instanceType);
  if (price === undefined)
    throw new Refusal('InvalidParameter', `market: ${location} does not offer ${instanceType} as spot`);
  if (maxUsdPerHour !== undefined && price > maxUsdPerHour) {
    const message = `the spot price of ${instanceType} is ${price}, which is above ${maxUsdPerHour}`;
    throw new Refusal('SpotPriceTooLow', message);
  }
}

function checkReservation(target: Target, wanted: Wanted): void {
  const { site, nowMs } = target;
  const { reservationId: id, instanceType, zone } = wanted;
  const reservation = reservationOf(target, wanted);
  if (!reservation) throw new Refusal('UnknownReservation', `${site.key.location} has no reservation ${id}`);
  if (reservation.instanceType !== instanceType) {
    const message = `reservation ${id} is for ${reservation.instanceType}, and not for ${instanceType}`;
    throw new Refusal('ReservationMismatch', message);
  }
  if (zone !== undefined && zone !== reservation.zone)
    throw new Refusal(
      'InsufficientCapacity',
      `reservation ${id} is in zone ${reservation.zone}, not in ${zone}`,
    );
  const inside = [...site.live.values()].filter(
    (one) => one.reservationId === id && statusAt(one, nowMs) !== 'Terminated',
  );
  if (inside.length >= reservation.count)
    throw new Refusal(
      'InsufficientCapacity',
      `all ${reservation.count} instances of reservation ${id} exist`,
    );
}
