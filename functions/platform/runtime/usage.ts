/** Counts of requests and calls that were saved by a cached result, or by one call for several items. */
export interface Savings {
  /** Number of times that a connection was used from the cache: its record, credential and client. */
  connections: number;
  /** Number of times that a fleet's layout was used from the cache. */
  layouts: number;
  /** Number of times that a fleet's network resources at a site were used from the cache. */
  networks: number;
  /** Number of machines that create calls covered, without the first machine of each call. */
  creates: number;
  /** Number of fleets that list calls covered, without the first fleet of each call. */
  lists: number;
  /** Number of locations that calls for offers covered, without the first location of each call. */
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
