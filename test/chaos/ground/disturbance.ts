/** Probability of each fault, from 0 to 1, drawn once for each event that it can hit. */
export interface Disturbance {
  /** A process dies before a call, after its answer, or when a sleep ends. */
  kill: number;
  /** An invocation starts a new process although an idle process exists. */
  newProcess: number;
  /** A call's request or its answer takes 0.2 to 4 seconds on its way instead of a few milliseconds. */
  slow: number;
  /** DynamoDB throttles a request, and the SDK has used up its retries. */
  throttle: number;
  /** A query returns 1 to 20 items and a LastEvaluatedKey. */
  shortPage: number;
  /** A write conflicts with another transaction. For a transaction, the probability is five times as high. */
  conflict: number;
  /** A write took effect, its answer was lost, and the SDK sent the write again. */
  repeatedWrite: number;
  /** A write took effect, its answer was lost, and the SDK gave up. */
  lostWrite: number;
  /** SQS or Step Functions fail with a service error, before or after the request took effect. */
  serviceError: number;
  /** SQS delivers a message again although it was deleted or a worker is handling it. */
  duplicate: number;
  /** A message is delivered up to a minute later than its delay says. */
  late: number;
  /** The answer for a task token reaches Step Functions twice, the second time up to 15 minutes later. */
  lateToken: number;
  /** A cloud accepts a removal and leaves the machine running. */
  ignoredRemoval: number;
  /** A cloud makes a machine and answers with an error. */
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

/** How often each fault occurred in a run. */
export interface FaultCounts {
  crashes: number;
  duplicateDeliveries: number;
  lostReplies: number;
  throttles: number;
  /** Number of requests to a table that was down. */
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
  /** Number of lists that showed no machines although machines existed. */
  emptyLists: number;
  /** Number of holds that the operator ended. A hold stops the removals by sweeps. */
  continuedSweeps: number;
  /** Number of restores of the table `fleets` to an earlier time. */
  restores: number;
  /**
   * Number of second deployments that began to use the first deployment's clouds with the same deployment id.
   */
  secondWriters: number;
  /** Number of machines that a user stopped, deleted, resized or gave another address in a cloud's console. */
  outsideDeeds: number;
  /** Number of removals that a cloud refused because a machine, network resource or volume was protected. */
  protectedRemovals: number;
  /** Number of requests for network resources that a quota refused. */
  networkQuotas: number;
  /** Number of requests for single instances that were answered after a wait. */
  waitedFor: number;
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
    outsideDeeds: 0,
    protectedRemovals: 0,
    networkQuotas: 0,
    waitedFor: 0,
  };
}
