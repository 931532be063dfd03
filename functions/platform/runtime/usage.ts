/** Counts of requests and calls that were not needed. */
export interface Savings {
  /** Connections whose record, credential and client were cached. */
  connections: number;
  /** Fleets whose layout was cached. */
  layouts: number;
  /** Sites whose network resources of a fleet were cached. */
  networks: number;
  /** Machines that were created by another machine's create call. */
  creates: number;
  /** Fleets that a list call covered beyond the first. */
  lists: number;
  /** Locations whose offers a call covered beyond the first. */
  offers: number;
}

/** Resources that one invocation consumed. They are logged at its end, to measure costs. */
export interface Usage {
  readUnits: number;
  writeUnits: number;
  sqsRequests: number;
  sfnRequests: number;
  cloudCalls: number;
  saved: Savings;
}

function noUsage(): Usage {
  return {
    readUnits: 0,
    writeUnits: 0,
    sqsRequests: 0,
    sfnRequests: 0,
    cloudCalls: 0,
    saved: { connections: 0, layouts: 0, networks: 0, creates: 0, lists: 0, offers: 0 },
  };
}

/**
 * The usage of this process. Lambda runs one invocation at a time in it, and the middleware resets it at the start of
 * each.
 */
export const usage: Usage = noUsage();

export function resetUsage(): void {
  Object.assign(usage, noUsage());
}
