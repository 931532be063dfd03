/** How often what goes wrong, each as a probability of one event; how long calls take. */
export interface Disturbance {
  /** A process ends at this point of its work. */
  kill: number;
  /** An invocation goes to a new process, though others are idle. */
  newProcess: number;
  /** A call is slow: up to several seconds instead of milliseconds. */
  slow: number;
  /** DynamoDB refuses for its load, after all that the SDK has tried. */
  throttle: number;
  /** A query answers with a few items, and where to go on. */
  shortPage: number;
  /** Another transaction is in the way. */
  conflict: number;
  /** A write took effect and its answer was lost; the SDK has sent it again. */
  repeatedWrite: number;
  /** A write took effect, its answer was lost, and the SDK gave up. */
  lostWrite: number;
  /** SQS or Step Functions answer with an error of theirs, before or after the effect. */
  serviceError: number;
  /** A message that was deleted, or that a worker is handling, is delivered once more. */
  duplicate: number;
  /** A message comes later than it is due: up to a minute. */
  late: number;
  /** A token is answered a second time, or only after minutes. */
  lateToken: number;
  /** A cloud answers a removal with yes and leaves the machine running. */
  ignoredRemoval: number;
  /** A cloud makes a machine and answers that something went wrong. */
  deniedCreate: number;
}

export const CALM: Disturbance = {
  kill: 0,
  newProcess: 0,
  slow: 0,
  throttle: 0,
  shortPage: 0,
  conflict: 0,
  repeatedWrite: 0,
  lostWrite: 0,
  serviceError: 0,
  duplicate: 0,
  late: 0,
  lateToken: 0,
  ignoredRemoval: 0,
  deniedCreate: 0,
};

/** What went wrong in a run, by number. */
export interface FaultCounts {
  crashes: number;
  duplicateDeliveries: number;
  lostReplies: number;
  throttles: number;
  /** Requests for a table that was down. */
  unanswered: number;
  conflicts: number;
  serviceErrors: number;
  expiredTokens: number;
  lateMessages: number;
  failedReceives: number;
  deadLetters: number;
  timedOutProcesses: number;
  ignoredRemovals: number;
  deniedCreates: number;
  /** Lists of machines that showed none once. */
  emptyLists: number;
  /** Holds of sweeps that the operator ended. */
  continuedSweeps: number;
  /** Restores of the table `fleets` to an earlier time. */
  restores: number;
  /** Deployments with the id of the first that began at its clouds. */
  secondWriters: number;
}

export function noFaults(): FaultCounts {
  return {
    crashes: 0,
    duplicateDeliveries: 0,
    lostReplies: 0,
    throttles: 0,
    unanswered: 0,
    conflicts: 0,
    serviceErrors: 0,
    expiredTokens: 0,
    lateMessages: 0,
    failedReceives: 0,
    deadLetters: 0,
    timedOutProcesses: 0,
    ignoredRemovals: 0,
    deniedCreates: 0,
    emptyLists: 0,
    continuedSweeps: 0,
    restores: 0,
    secondWriters: 0,
  };
}
