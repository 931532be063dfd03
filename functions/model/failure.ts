/** Tells the user why something failed. The code is a driver's error code, or another code of Fleetwright. */
export interface Failure {
  code: string;
  message: string;
}
