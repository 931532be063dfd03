import * as z from 'zod';
import type { RefusedQuota } from '../../drivers/contract/quota.ts';
import { marketSchema } from '../../model/market.ts';
import { type QuotaSubject, quotaSubjectSchema } from '../../model/quota-subject.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import { isoTime } from '../runtime/clock.ts';
import { FORGOTTEN_MS, PROBE_MS, probeSchema } from './probes.ts';

const QUOTA_RETRY_MS = 60_000;
/** Time in ms in which a cloud shows that a machine which it has accepted exceeds a quota. */
const OUTCOME_MS = 5_000;
const LONGEST_WORDS = 300;
/** A launch that needs this much less than a refused launch may still fit. */
const SMALLEST_DIFFERENCE = 0.001;

/** Entry of the negative cache of quotas: a quota that is used up, and which launches it stops. */
export const closedSchema = z.object({
  of: quotaSubjectSchema.default('family'),
  /** The family, or the class of instance types, that the quota counts. Absent: all instance types. */
  name: z.string().optional(),
  /**
   * The market that the quota counts, if it is not on-demand: clouds count the families, vCPUs and memory of each market
   * apart. Absent for what is counted over all markets, too.
   */
  market: marketSchema.optional(),
  /** Launches that need at most this much may still go out, in the unit of `of`. Absent: all are stopped. */
  room: z.number().optional(),
  limit: z.number().optional(),
  used: z.number().optional(),
  message: z.string(),
  /** The fleet whose request met the quota last. */
  metBy: z.string().optional(),
  sinceMs: z.number(),
  /** From this time on, one launch may test whether the quota is still used up. */
  retryAtMs: z.number(),
  /**
   * Fleet id → round of launching in which a launch of the fleet last asked the cloud. A launch of a later round may
   * ask before `retryAtMs`, because a user has requested that round.
   */
  askedIn: z.record(z.string(), z.number()),
  probe: probeSchema.optional(),
});
export type ClosedQuota = z.infer<typeof closedSchema>;
export type ClosedQuotas = Readonly<Record<string, ClosedQuota>>;

/** A create call that a quota refused. */
export interface QuotaRefusal {
  wanted: WantedCreate;
  message: string;
  /** What the quota is about. Absent: the family of the launch's instance type. */
  quota?: RefusedQuota | undefined;
  /** True if only the refused request is at fault, so that the refusal says nothing about other launches. */
  isAlone?: boolean;
}

/** The answer of the negative cache of quotas about one launch. */
export type QuotaAnswer =
  | { kind: 'open' }
  | { kind: 'waits' }
  | { kind: 'refused'; message: string; of: QuotaSubject }
  /** The launch tests the quota. `closed` replaces the entries, because the probe is recorded there. */
  | { kind: 'probe'; closed: ClosedQuotas };

/** Checks a launch against all quotas that are used up. */
export function checkQuotas(closed: ClosedQuotas, wanted: WantedCreate, nowMs: number): QuotaAnswer {
  let updated = closed;
  for (const [key, entry] of Object.entries(closed)) {
    if (isForgotten(entry, nowMs) || !stops(entry, wanted)) continue;
    if (entry.probe !== undefined && entry.probe.untilMs > nowMs) {
      if (entry.probe.instanceId === wanted.instanceId) {
        updated = { ...updated };
        continue;
      }
      return { kind: 'waits' };
    }
    if (nowMs < entry.retryAtMs && !mayAskNow(entry, wanted))
      return { kind: 'refused', message: refusalOf(entry, wanted), of: entry.of };
    const probe = { instanceId: wanted.instanceId, untilMs: nowMs + PROBE_MS };
    const askedIn = withFleet(entry.askedIn, wanted);
    updated = {
      ...updated,
      [key]: { ...entry, retryAtMs: nowMs + QUOTA_RETRY_MS, askedIn, probe },
    };
  }
  return updated === closed ? { kind: 'open' } : { kind: 'probe', closed: updated };
}

/**
 * Returns true if the launch may ask the cloud before the time of the next probe. A user has requested its round since
 * its fleet last asked, or the launch itself has freed a part of the quota.
 */
function mayAskNow({ askedIn }: ClosedQuota, { fleetId, round, hasFreed }: WantedCreate): boolean {
  return hasFreed === true || round > (askedIn[fleetId] ?? FIRST_ROUND);
}

const FIRST_ROUND = 1;
/** Maximum number of fleets whose rounds an entry remembers. The fleets that asked first are forgotten first. */
const MOST_FLEETS = 50;

function withFleet(
  askedIn: Readonly<Record<string, number>>,
  { fleetId, round }: WantedCreate,
): Record<string, number> {
  const others = Object.entries(askedIn).filter(([id]) => id !== fleetId);
  return Object.fromEntries([...others.slice(1 - MOST_FLEETS), [fleetId, round]]);
}

function refusalOf({ message, metBy, sinceMs }: ClosedQuota, { fleetId }: WantedCreate): string {
  if (metBy === undefined || metBy === fleetId) return message;
  return `${message} (a request of fleet ${metBy} met this quota, which is used up since ${isoTime(sinceMs)}; no request was sent for this launch)`;
}

/**
 * Closes the quota that refused a create call.
 *
 * @returns `closed` itself if the refusal says nothing about other launches
 */
export function closeQuota(closed: ClosedQuotas, refusal: QuotaRefusal, nowMs: number): ClosedQuotas {
  const { wanted, message, quota = { of: 'family' }, isAlone } = refusal;
  // The networks of a site have a block of their own, because launches wait for them; see `network-quota.ts`.
  if (isAlone === true || quota.of === 'networks' || isTooBig(quota, wanted)) return closed;
  const name = nameOf(quota, wanted);
  const market = IS_PER_MARKET[quota.of] && marketOf(wanted) !== 'on-demand' ? wanted.market : undefined;
  const key = [quota.of === 'family' ? undefined : quota.of, name, market]
    .filter((part) => part !== undefined)
    .join(' ');
  const past = closed[key];
  const known = past && !isForgotten(past, nowMs) ? past : undefined;
  const room = roomAfter(quota, wanted, known);
  const entry: ClosedQuota = {
    of: quota.of,
    ...(name === undefined ? {} : { name }),
    ...(market === undefined ? {} : { market }),
    ...(room === undefined ? {} : { room }),
    ...(quota.limit === undefined ? {} : { limit: quota.limit }),
    ...(quota.used === undefined ? {} : { used: quota.used }),
    message: message.slice(0, LONGEST_WORDS),
    metBy: wanted.fleetId,
    sinceMs: known?.sinceMs ?? nowMs,
    retryAtMs: nowMs + QUOTA_RETRY_MS,
    askedIn: withFleet(known?.askedIn ?? {}, wanted),
  };
  return { ...closed, [key]: entry };
}

/** Removes the entries that would have stopped a create call which the cloud has accepted. */
export function openQuotas(closed: ClosedQuotas, wanted: WantedCreate): ClosedQuotas {
  const left = Object.entries(closed).filter(([, entry]) => !stops(entry, wanted));
  return left.length === Object.keys(closed).length ? closed : Object.fromEntries(left);
}

/**
 * Notes that the cloud has accepted the probe of a launch whose earlier machine exceeded a quota. The acceptance proves
 * nothing: the new machine may exceed the quota, too. Others therefore wait until the machine's outcome has shown.
 */
export function holdQuotas(closed: ClosedQuotas, { instanceId }: WantedCreate, nowMs: number): ClosedQuotas {
  const held = Object.entries(closed).filter(([, { probe }]) => probe?.instanceId === instanceId);
  if (held.length === 0) return closed;
  const untilMs = nowMs + OUTCOME_MS;
  const changed = held.map(([key, entry]) => [key, { ...entry, probe: { instanceId, untilMs } }] as const);
  return { ...closed, ...Object.fromEntries(changed) };
}

/** Returns true if an entry is too old to be trusted. */
export const isForgotten = ({ sinceMs }: Pick<ClosedQuota, 'sinceMs'>, nowMs: number): boolean =>
  sinceMs + FORGOTTEN_MS < nowMs;

/** What decides whether a quota may stop a launch. */
export type QuotaNeed = Pick<WantedCreate, 'instanceType' | 'vcpus' | 'memoryGb' | 'diskGb'>;

/**
 * Returns true if the quota may stop such a launch. The class of its instance type and its market are not known, so that
 * quotas of a class and of spot machines may stop it.
 */
export function mayStop(entry: ClosedQuota, need: QuotaNeed): boolean {
  const { name, of, market = of === 'spot' ? 'spot' : 'on-demand' } = entry;
  return stops(entry, { ...need, market, ...(name === undefined ? {} : { quotaClass: name }) });
}

/** True for each subject of which a cloud counts the machines of each market apart. */
const IS_PER_MARKET: Readonly<Record<QuotaSubject, boolean>> = {
  family: true,
  vcpus: true,
  memoryGb: true,
  spot: false,
  instances: false,
  addresses: false,
  networks: false,
  volumes: false,
  account: false,
};

const marketOf = ({ market = 'on-demand' }: Pick<WantedCreate, 'market'>) => market;

/** Returns true if the launch needs a part of this quota, and more than is known to be left. */
function stops(
  { of, name, market = 'on-demand', room }: ClosedQuota,
  wanted: QuotaNeed & Pick<WantedCreate, 'quotaClass' | 'market'>,
): boolean {
  if (IS_PER_MARKET[of] && market !== marketOf(wanted)) return false;
  switch (of) {
    case 'networks':
      return false;
    case 'family':
      return familyOf(wanted.instanceType) === name;
    case 'spot':
      return wanted.market === 'spot';
    case 'instances':
    case 'addresses':
    case 'account':
      return true;
    case 'vcpus':
      return (name === undefined || name === wanted.quotaClass) && exceeds(wanted.vcpus, room);
    case 'memoryGb':
      return exceeds(wanted.memoryGb, room);
    case 'volumes':
      return room === undefined || (wanted.diskGb ?? 0) > room;
  }
}

/** Returns true if a need is above what is left. A need that is not known counts as too large. */
const exceeds = (need: number, room: number | undefined): boolean =>
  room === undefined || need <= 0 || need > room;

function nameOf({ of }: RefusedQuota, { instanceType, quotaClass }: WantedCreate): string | undefined {
  if (of === 'family') return familyOf(instanceType);
  return of === 'vcpus' ? quotaClass : undefined;
}

/** Returns what a launch needs of a quota; undefined if the need is not known, or has no number. */
function needOf({ of }: Pick<RefusedQuota, 'of'>, wanted: WantedCreate): number | undefined {
  switch (of) {
    case 'vcpus':
      return wanted.vcpus > 0 ? wanted.vcpus : undefined;
    case 'memoryGb':
      return wanted.memoryGb > 0 ? wanted.memoryGb : undefined;
    case 'instances':
      return 1;
    case 'volumes':
      return wanted.diskGb;
    case 'family':
    case 'spot':
    case 'addresses':
    case 'networks':
    case 'account':
      return undefined;
  }
}

/**
 * Returns true if a request can never be met by its quota. Where the limit is 0, no request can, so that the quota is
 * closed instead.
 */
function isTooBig(quota: RefusedQuota, wanted: WantedCreate): boolean {
  const { of, limit = 0, requested } = quota;
  if (limit <= 0) return false;
  // A volume quota may count disks or gigabytes. Only the cloud's own figures have the same unit.
  const need = of === 'volumes' ? requested : (needOf(quota, wanted) ?? requested);
  return need !== undefined && need > limit;
}

/** Returns the largest need that may still fit; undefined if the refusal does not tell. */
function roomAfter(
  quota: RefusedQuota,
  wanted: WantedCreate,
  known: ClosedQuota | undefined,
): number | undefined {
  const { of, limit, used } = quota;
  const need = needOf(quota, wanted);
  if (of === 'instances' || need === undefined) return undefined;
  const smaller = need - SMALLEST_DIFFERENCE;
  if (of !== 'volumes' && limit !== undefined && used !== undefined)
    return Math.max(0, Math.min(limit - used, smaller));
  return Math.min(known?.room ?? smaller, smaller);
}

/**
 * Returns the family of instance types that share a quota: `m6i` for `m6i.large`, `n2-standard` for `n2-standard-4`,
 * `ecs.g7` for `ecs.g7.large`, `Standard_Ds_v3` for `Standard_D4s_v3`.
 */
export function familyOf(instanceType: string): string {
  const azure = /^((?:Standard|Basic)_[A-Z]+)[0-9]+(?:-[0-9]+)?([a-z]*(?:_.+)?)$/.exec(instanceType);
  if (azure) return `${azure[1]}${azure[2]}`;
  const [, family] = /^(.+)[.\-_][^.\-_]+$/.exec(instanceType) ?? [];
  return family ?? instanceType;
}
