import type { Meter } from './errors.ts';

/** The waiting time and the rate limit that an error answer states. */
export interface RateWords {
  /** Time that the cloud asked the caller to wait, in ms. */
  retryAfterMs?: number;
  /** Number of calls like the refused call, or of machines, that the cloud accepts per second in the long run. */
  limitPerSecond?: number;
  /** What that limit counts. */
  meter?: Meter;
}

/** The headers of an answer, by names in lower case. The `Headers` of `fetch` match this type. */
export interface AnswerHeaders {
  get(name: string): string | null | undefined;
}

const SECOND_MS = 1_000;
/**
 * Maximum waiting time, in ms: one day. A longer time is reduced to one day. It probably comes from a wrong clock, or
 * from a number that is not a time.
 */
export const LONGEST_WAIT_MS = 86_400_000;
/**
 * In a header, a number below EPOCH_SECONDS is a delay in seconds. A larger number is a time since 1970: in seconds if
 * it is below EPOCH_MS, else in ms.
 */
const EPOCH_SECONDS = 1e9;
const EPOCH_MS = 1e12;
/**
 * Maximum window of a rate limit, in seconds. A quota over a longer window is ignored: calls that are evenly spaced to
 * fit such a quota would be too slow to be useful.
 */
const LONGEST_WINDOW_SECONDS = 300;

/**
 * Reads the rate-limit headers of an answer. `Retry-After` (seconds, or a date) has precedence. Without it, the
 * function reads the headers that state, as a delay or as a point in time, when a used-up quota is refilled. These
 * headers are `RateLimit` of draft-ietf-httpapi-ratelimit-headers, `RateLimit-Reset` of its earlier versions, and
 * `X-RateLimit-Reset`. Azure's `x-ms-ratelimit-remaining-…` is not read, because it states no time and Azure also sends
 * `Retry-After`. Headers that are not valid are ignored.
 *
 * @param nowMs the reference for absolute times if the answer has no `Date` header
 */
export function readRate(headers: AnswerHeaders, nowMs = Date.now()): RateWords {
  const sentMs = dateOf(headers.get('date')) ?? nowMs;
  const limits = itemsOf(headers.get('ratelimit'));
  const waitMs = afterMs(headers.get('retry-after'), sentMs) ?? resetMs(headers, limits, sentMs);
  const rate = rateOf(itemsOf(headers.get('ratelimit-policy')), limits);
  return {
    ...(waitMs === undefined ? {} : { retryAfterMs: Math.min(LONGEST_WAIT_MS, Math.ceil(waitMs)) }),
    ...(rate === undefined ? {} : { limitPerSecond: rate.perSecond, meter: rate.meter }),
  };
}

function afterMs(header: string | null | undefined, sentMs: number): number | undefined {
  const seconds = numberOf(header);
  if (seconds !== undefined) return untilMs(seconds, sentMs);
  const atMs = dateOf(header);
  return atMs === undefined ? undefined : Math.max(0, atMs - sentMs);
}

function resetMs(headers: AnswerHeaders, limits: readonly Item[], sentMs: number): number | undefined {
  const told = limits.filter(isUsedUp).flatMap(({ numbers }) => numbers.get('t') ?? []);
  if (told.length > 0) return Math.max(...told) * SECOND_MS;
  for (const name of ['ratelimit', 'x-ratelimit']) {
    const remaining = numberOf(headers.get(`${name}-remaining`));
    if (remaining === undefined || remaining >= 1) continue;
    const waitMs = afterMs(headers.get(`${name}-reset`), sentMs);
    if (waitMs !== undefined) return waitMs;
  }
  return undefined;
}

/** Quota units, as the header `RateLimit-Policy` names them, and what they count. */
const METERS: Readonly<Record<string, Meter>> = { requests: 'calls', machines: 'machines' };

/**
 * Returns the rate of a policy, in calls or machines per second. If the answer names used-up policies, only these are considered.
 * Of several policies, the function takes the one with the shortest window.
 */
function rateOf(
  policies: readonly Item[],
  limits: readonly Item[],
): { perSecond: number; meter: Meter } | undefined {
  const usedUp = new Set(limits.filter(isUsedUp).map(({ name }) => name));
  const [soonest] = policies
    .flatMap(({ name, numbers, unit }) => {
      // Earlier versions of the draft have the quota where later versions have the policy's name.
      const quota = numbers.get('q') ?? numberOf(name);
      const window = numbers.get('w');
      const meter = METERS[unit ?? 'requests'];
      if (!meter || !quota || !window || window > LONGEST_WINDOW_SECONDS) return [];
      return usedUp.size > 0 && !usedUp.has(name) ? [] : [{ window, meter, perSecond: quota / window }];
    })
    .toSorted((one, other) => one.window - other.window);
  return soonest && { perSecond: soonest.perSecond, meter: soonest.meter };
}

/** Describes one member of an RFC 9651 list, with only the parts that the rate-limit headers use. */
interface Item {
  name: string;
  numbers: ReadonlyMap<string, number>;
  unit: string | undefined;
}

const isUsedUp = ({ numbers }: Item): boolean => (numbers.get('r') ?? 1) < 1;

/** Parses a list such as `"burst";q=12;w=3, "daily";q=1000;w=86400`. Strings may contain commas and semicolons. */
function itemsOf(header: string | null | undefined): Item[] {
  return splitAt(header ?? '', ',').map((member) => {
    const [name = '', ...parameters] = splitAt(member, ';').map((part) => part.trim());
    const pairs = parameters.map((parameter) => {
      const [key = '', value = ''] = splitAt(parameter, '=');
      return [key.trim().toLowerCase(), value] as const;
    });
    return {
      name: bare(name),
      numbers: new Map(
        pairs.flatMap(([key, value]) => {
          const number = numberOf(value);
          return number === undefined ? [] : [[key, number] as const];
        }),
      ),
      unit: pairs.filter(([key]) => key === 'qu').map(([, value]) => bare(value))[0],
    };
  });
}

function splitAt(text: string, separator: ',' | ';' | '='): string[] {
  const parts = text.match(new RegExp(`(?:"(?:[^"\\\\]|\\\\.)*"|[^"${separator}])+`, 'g'));
  return parts ?? [];
}

const bare = (text: string): string => text.trim().replace(/^"(.*)"$/s, '$1');

function numberOf(text: string | null | undefined): number | undefined {
  return text && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

function untilMs(value: number, sentMs: number): number {
  if (value >= EPOCH_MS) return Math.max(0, value - sentMs);
  return value >= EPOCH_SECONDS ? Math.max(0, value * SECOND_MS - sentMs) : value * SECOND_MS;
}

/** Parses an HTTP or ISO 8601 date. */
function dateOf(text: string | null | undefined): number | undefined {
  const atMs = text && /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}
