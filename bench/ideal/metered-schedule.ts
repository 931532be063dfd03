/** A token bucket: full at first, and refilled evenly. */
export interface Meter {
  perSecond: number;
  burst: number;
}

/** How a cloud counts one kind of call of an account at a location, and the machines in these calls. */
export interface CallMeters {
  calls: Meter;
  machines: Meter;
  /** Maximum number of machines in one call. */
  machinesPerCall: number;
}

/** Machines that one request asks for. */
export interface Wanted {
  /** Time of the request, in seconds. */
  atSeconds: number;
  /** Machines with the same text may share a call. */
  likeness: string;
  /** For each machine, the seconds from the call until the cloud has accepted it, and then until it runs. */
  machines: readonly { submitSeconds: number; bootSeconds: number }[];
}

export interface MeteredSchedule {
  /** Number of calls. */
  calls: number;
  /** Seconds from each request until the cloud has accepted the request's last machine, in the order of the requests. */
  acceptedSeconds: number[];
  /** Time at which the last machine is accepted, in seconds. */
  lastAcceptedSeconds: number;
  /** Time at which the last machine runs, in seconds. */
  makespanSeconds: number;
}

/** Times that are closer than this count as the same moment, because times are sums of fractions. */
const SAME_MOMENT_SECONDS = 1e-9;

interface Waiting {
  request: number;
  submitSeconds: number;
  bootSeconds: number;
}

class Bucket {
  readonly #meter: Meter;
  #tokens: number;
  #atSeconds = 0;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#tokens = meter.burst;
  }

  /** Returns the number of whole tokens. */
  tokensAt(seconds: number): number {
    return Math.floor(this.#exactAt(seconds) + SAME_MOMENT_SECONDS);
  }

  take(count: number, seconds: number): void {
    this.#tokens = this.#exactAt(seconds) - count;
    this.#atSeconds = seconds;
  }

  /** Returns the time at which a token is available. */
  readySeconds(seconds: number): number {
    return seconds + Math.max(0, 1 - this.#exactAt(seconds)) / this.#meter.perSecond;
  }

  #exactAt(seconds: number): number {
    return Math.min(this.#meter.burst, this.#tokens + (seconds - this.#atSeconds) * this.#meter.perSecond);
  }
}

/**
 * Returns the schedule of a scheduler without overhead at one location. It sends a call as soon as both meters allow one
 * for at least one machine. The call has as many alike machines as wait, as the meters allow, and as one call may have.
 * If several kinds of machines wait, the kind of the earliest request goes first.
 */
export function meteredSchedule(wanted: readonly Wanted[], meters: CallMeters): MeteredSchedule {
  const calls = new Bucket(meters.calls);
  const machines = new Bucket(meters.machines);
  const byTime = wanted
    .map((one, request) => ({ ...one, request }))
    .sort((a, b) => a.atSeconds - b.atSeconds);
  const waiting = new Map<string, Waiting[]>();
  const acceptedAt = wanted.map(({ atSeconds }) => atSeconds);
  const schedule = { calls: 0, lastAcceptedSeconds: 0, makespanSeconds: 0 };
  let arrived = 0;
  let now = 0;
  const arrive = () => {
    for (; (byTime[arrived]?.atSeconds ?? Infinity) <= now + SAME_MOMENT_SECONDS; arrived += 1) {
      const { likeness = '', request = 0, machines: asked = [] } = byTime[arrived] ?? {};
      const line = waiting.get(likeness) ?? [];
      for (const one of asked) line.push({ ...one, request });
      if (line.length > 0) waiting.set(likeness, line);
    }
  };
  const send = (likeness: string, line: Waiting[]) => {
    const count = Math.min(line.length, meters.machinesPerCall, machines.tokensAt(now));
    calls.take(1, now);
    machines.take(count, now);
    schedule.calls += 1;
    for (const { request, submitSeconds, bootSeconds } of line.splice(0, count)) {
      const accepted = now + submitSeconds;
      acceptedAt[request] = Math.max(acceptedAt[request] ?? 0, accepted);
      schedule.lastAcceptedSeconds = Math.max(schedule.lastAcceptedSeconds, accepted);
      schedule.makespanSeconds = Math.max(schedule.makespanSeconds, accepted + bootSeconds);
    }
    if (line.length === 0) waiting.delete(likeness);
  };
  while (arrived < byTime.length || waiting.size > 0) {
    arrive();
    const [first] = waiting;
    if (first && calls.tokensAt(now) >= 1 && machines.tokensAt(now) >= 1) {
      send(...first);
      continue;
    }
    const readySeconds = Math.max(calls.readySeconds(now), machines.readySeconds(now));
    const nextSeconds = byTime[arrived]?.atSeconds ?? Infinity;
    now = first ? Math.min(readySeconds, nextSeconds) : nextSeconds;
  }
  const acceptedSeconds = acceptedAt.map((at, request) => at - (wanted[request]?.atSeconds ?? 0));
  return { ...schedule, acceptedSeconds };
}
