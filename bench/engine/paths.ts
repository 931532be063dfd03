/** Times at which an instance reached each step from the request to Running, in milliseconds since 1970. */
export interface InstancePath {
  /** The user requested the instance's fleet. */
  askedMs: number;
  /** The fleet's workflow began. */
  acceptedMs: number;
  /** The workflow sent the instance's launch message. */
  sentMs: number;
  /** A worker received the message for the first time. */
  receivedMs: number;
  /** The cloud accepted the create call. */
  createdMs: number;
  /** The instance ran, by the cloud's own record. */
  ranMs: number;
  /** The instance's record became Running. */
  recordedMs: number;
}

export interface Shares {
  api: number;
  workflow: number;
  queue: number;
  permit: number;
  cloud: number;
  status: number;
}

/** Returns the mean duration of each step over these instances, in seconds. */
export function meanSteps(paths: readonly InstancePath[]): Shares {
  const mean = (step: (path: InstancePath) => number) =>
    paths.reduce((sum, path) => sum + Math.max(0, step(path)), 0) / Math.max(1, paths.length) / 1_000;
  return {
    api: mean(({ askedMs, acceptedMs }) => acceptedMs - askedMs),
    workflow: mean(({ acceptedMs, sentMs }) => sentMs - acceptedMs),
    queue: mean(({ sentMs, receivedMs }) => receivedMs - sentMs),
    permit: mean(({ receivedMs, createdMs }) => createdMs - receivedMs),
    cloud: mean(({ createdMs, ranMs }) => ranMs - createdMs),
    status: mean(({ ranMs, recordedMs }) => recordedMs - ranMs),
  };
}

/** Returns the duration of each step as a fraction of the sum of all steps, from 0 to 1. */
export function sharesOf(steps: Shares): Shares {
  const whole = Object.values(steps).reduce((sum: number, seconds: number) => sum + seconds, 0);
  const part = (seconds: number) => (whole === 0 ? 0 : Number((seconds / whole).toFixed(4)));
  return {
    api: part(steps.api),
    workflow: part(steps.workflow),
    queue: part(steps.queue),
    permit: part(steps.permit),
    cloud: part(steps.cloud),
    status: part(steps.status),
  };
}
