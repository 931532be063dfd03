/**
 * Codes of EC2 for a capacity reservation that no launch can use. The same launch outside of the reservation may succeed.
 * Source: "Error codes for the Amazon EC2 API".
 */
export const UNUSABLE_RESERVATION: readonly string[] = [
  'InvalidCapacityReservationId.Malformed',
  'InvalidCapacityReservationId.NotFound',
  'InvalidCapacityReservationState',
];

/** States of a reservation that end by themselves. The launch is made again. */
const ENDS_SOON: ReadonlySet<string> = new Set(['InvalidCapacityReservationState.PendingActivation']);

/** Returns the scope of an error about a capacity reservation; undefined for any other error. */
export function scopeOfReservation(code: string): { scope: 'market' } | undefined {
  const isOne =
    UNUSABLE_RESERVATION.includes(code) ||
    (code.startsWith('InvalidCapacityReservationState.') && !ENDS_SOON.has(code));
  return isOne ? { scope: 'market' } : undefined;
}
