/** Counts of requests and calls that were saved. */
export interface Savings {
  /** Uses of a connection whose record, credential and client were cached. */
  connections: number;
  /** Uses of a fleet's layout that was cached. */
  layouts: number;
  /** Uses of a fleet's network resources at a site that were cached. */
  networks: number;
  /** Machines that a create call covered beyond the first. */
  creates: number;
  /** Fleets that a list call covered beyond the first. */
  lists: number;
  /** Locations whose offers a call covered beyond the first. */
  offers: number;
}

/** Resources that one invocation consumed. The middleware logs them at the end of the invocation, to measure costs. */
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
 * The usage of the current invocation. Lambda runs one invocation at a time in a process, and the middleware resets the
 * usage at the start of each invocation.
 */
export const usage: Usage = noUsage();

export function resetUsage(): void {
  Object.assign(usage, noUsage());
}
