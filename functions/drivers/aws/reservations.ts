import { type CapacityReservation, DescribeCapacityReservationsCommand } from '@aws-sdk/client-ec2';
import type { InstanceSpec } from '../contract/driver.ts';
import { DriverError } from '../contract/errors.ts';
import type { Ec2 } from './ec2.ts';
import { Kept } from './kept.ts';

/**
 * Reads a capacity reservation.
 *
 * @returns undefined if EC2 shows no such reservation to the credential; `denied` if the credential may not read any
 */
export async function readReservation(
  ec2: Ec2,
  location: string,
  id: string,
): Promise<CapacityReservation | 'denied' | undefined> {
  try {
    const command = new DescribeCapacityReservationsCommand({ CapacityReservationIds: [id] });
    return (await ec2.send(location, command)).CapacityReservations?.[0];
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'Forbidden') return 'denied';
    if (error.cloudCode?.startsWith('InvalidCapacityReservationId')) return undefined;
    throw error;
  }
}

/** Knows for which type and in which zone each capacity reservation is. Neither ever changes. */
export class ReservationBook {
  readonly #ec2: Ec2;
  readonly #known = new Kept<CapacityReservation | 'denied' | undefined>();

  constructor(ec2: Ec2) {
    this.#ec2 = ec2;
  }

  /**
   * Checks before a launch that the reservation of its spec is for its type and its zone, so that another type or zone is
   * tried without a call.
   *
   * @throws DriverError Unsupported, with the scope `zone` if the reservation is in another zone
   */
  async check({ location, market, reservationId = '', instanceType, zone }: InstanceSpec): Promise<void> {
    if (market !== 'reserved') return;
    const found = await this.#known.get(`${location} ${reservationId}`, () =>
      readReservation(this.#ec2, location, reservationId),
    );
    // Without an answer about the reservation, EC2's answer to the launch tells what is wrong.
    if (found === undefined || found === 'denied') return;
    const { InstanceType: type, AvailabilityZone: itsZone } = found;
    if (type !== undefined && type !== instanceType) {
      const message = `capacity reservation ${reservationId} is for ${type}, and not for ${instanceType}`;
      throw new DriverError('Unsupported', message);
    }
    if (itsZone === undefined || zone === undefined || zone === itsZone) return;
    const message = `capacity reservation ${reservationId} is in ${itsZone}, and not in ${zone}`;
    throw new DriverError('Unsupported', message, { scope: 'zone' });
  }
}
