/**
 * The reason why an operation failed, for the user. The code is an error code of the driver contract, or a code that
 * Fleetwright adds to these.
 */
export interface Failure {
  code: string;
  message: string;
}
