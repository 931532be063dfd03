/** What one invocation consumed; logged at its end, so that cost is counted and not assumed. */
export interface Usage {
  readUnits: number;
  writeUnits: number;
  sqsRequests: number;
  sfnRequests: number;
  cloudCalls: number;
}

/** One per process; Lambda runs one invocation at a time in it, and the middleware resets it at each start. */
export const usage: Usage = { readUnits: 0, writeUnits: 0, sqsRequests: 0, sfnRequests: 0, cloudCalls: 0 };

export function resetUsage(): void {
  Object.assign(usage, { readUnits: 0, writeUnits: 0, sqsRequests: 0, sfnRequests: 0, cloudCalls: 0 });
}
