/** The limits that a cloud has for the create calls of one connection. */
export interface CreateLimits {
  locationSlots: number;
  instanceSlotsPerLocation: number;
  createsPerSecond: number;
  createBurst: number;
}

/** An instance to be created. The instance holds its slot for the sum of both durations. */
export interface AskedInstance {
  submitSeconds: number;
  bootSeconds: number;
}

export interface AskedCloud {
  cloud: string;
  limits: CreateLimits;
  /** Locations and their instances, in the order of the requests. */
  locations: { location: string; instances: AskedInstance[] }[];
}

export interface IdealSchedule {
  idealSeconds: number;
  clouds: { cloud: string; idealSeconds: number }[];
}

/**
 * Returns the time, in seconds, at which the last instance would run under a scheduler without overhead. All
 * instances are requested at time 0. An instance starts as soon as its location has a free slot and a token
 * of the create rate, and its cloud has a free location slot. A slot is free as soon as its instance runs.
 * Instances that could start at the same moment start in the order of the requests.
 */
export function idealSchedule(clouds: readonly AskedCloud[]): IdealSchedule {
  const perCloud = clouds.map((cloud) => ({ cloud: cloud.cloud, idealSeconds: lastRunningAt(cloud) }));
  return { idealSeconds: Math.max(0, ...perCloud.map(({ idealSeconds }) => idealSeconds)), clouds: perCloud };
}

/** Times that are closer than this count as the same moment, because times are sums of fractions. */
const SAME_MOMENT_SECONDS = 1e-9;

interface Site {
  /** Seconds for which each instance holds its slot. The first `started` instances have begun. */
  durations: number[];
  started: number;
  runsAt: number[];
  tokens: number;
  tokensAt: number;
}

function lastRunningAt({ limits, locations }: AskedCloud): number {
  const sites: Site[] = locations.map(({ instances }) => ({
    durations: instances.map(({ submitSeconds, bootSeconds }) => submitSeconds + bootSeconds),
    started: 0,
    runsAt: [],
    tokens: limits.createBurst,
    tokensAt: 0,
  }));
  let last = 0;
  for (let now = 0; Number.isFinite(now); now = nextMoment(sites, limits, now)) {
    for (const site of sites) {
      if (!site.runsAt.some((at) => at <= now + SAME_MOMENT_SECONDS)) continue;
      site.runsAt = site.runsAt.filter((at) => at > now + SAME_MOMENT_SECONDS);
    }
    for (const site of sites) {
      while (canStart(site, sites, limits, now)) {
        const runsAt = now + (site.durations[site.started] ?? 0);
        site.started += 1;
        site.tokens -= 1;
        site.runsAt.push(runsAt);
        last = Math.max(last, runsAt);
      }
    }
  }
  return last;
}

function canStart(site: Site, sites: readonly Site[], limits: CreateLimits, now: number): boolean {
  if (!isWaiting(site) || site.runsAt.length >= limits.instanceSlotsPerLocation) return false;
  if (site.runsAt.length === 0) {
    const held = sites.filter(({ runsAt }) => runsAt.length > 0).length;
    if (held >= limits.locationSlots) return false;
  }
  refill(site, limits, now);
  return site.tokens >= 1 - SAME_MOMENT_SECONDS;
}

function refill(site: Site, limits: CreateLimits, now: number): void {
  const grown = site.tokens + (now - site.tokensAt) * limits.createsPerSecond;
  site.tokens = Math.min(limits.createBurst, grown);
  site.tokensAt = now;
}

/**
 * Returns the next time at which the state can change: an instance runs, or a token becomes available. Infinity if all
 * instances run.
 */
function nextMoment(sites: readonly Site[], limits: CreateLimits, now: number): number {
  let next = Number.POSITIVE_INFINITY;
  const consider = (at: number) => {
    if (at < next && at > now + SAME_MOMENT_SECONDS) next = at;
  };
  for (const site of sites) {
    for (const at of site.runsAt) consider(at);
    if (isWaiting(site)) consider(site.tokensAt + Math.max(0, 1 - site.tokens) / limits.createsPerSecond);
  }
  return next;
}

const isWaiting = ({ durations, started }: Site): boolean => started < durations.length;
