/** What was had without asking for it, each as so many requests or calls that were not made. */
export interface Savings {
  /** Connections that were open: their record, credential and client. */
  connections: number;
  /** Fleets whose layout was known. */
  layouts: number;
  /** Sites whose network resources for a fleet were known. */
  networks: number;
  /** Machines that were asked for in another's create call. */
  creates: number;
  /** Fleets that a list call made for another told of. */
  lists: number;
  /** Locations whose offers one call for all of them told. */
  offers: number;
}

/** What one invocation consumed; logged at its end, so that cost is counted and not assumed. */
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

/** One per process; Lambda runs one invocation at a time in it, and the middleware resets it at each start. */
export const usage: Usage = noUsage();

export function resetUsage(): void {
  Object.assign(usage, noUsage());
}
