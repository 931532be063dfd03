/**
 * The reason why an operation failed, for the user. The code is an error code of the driver contract, or one of
 * Fleetwright's other codes.
 */
export interface Failure {
  code: string;
  message: string;
}
