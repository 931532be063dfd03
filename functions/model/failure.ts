/** Tells the user why something failed: a driver's error code or one of Fleetwright's, and a message. */
export interface Failure {
  code: string;
  message: string;
}
