/** Why something failed, as the user is told: a driver's error code or one of ours, and words. */
export interface Failure {
  code: string;
  message: string;
}
