/** What an answer that refuses a call says of when to come again, and of how many calls the cloud takes. */
export interface RateWords {
  /** How long the cloud asked us to wait. */
  retryAfterMs?: number;
  /** How many calls of this kind it takes in the long run. */
  limitPerSecond?: number;
}

/** Headers by their names in lower case, as `fetch` has them. */
export interface AnswerHeaders {
  get(name: string): string | null | undefined;
}

const SECOND_MS = 1_000;
/** Nobody means more than a day: it is a clock that is wrong, or a number of something else. */
export const LONGEST_WAIT_MS = 86_400_000;
/** Delays are smaller than that, times since 1970 larger; in seconds, and in milliseconds. */
const EPOCH_SECONDS = 1e9;
const EPOCH_MS = 1e12;
/** What is counted over a longer window is a budget; to space calls evenly for it would let nothing through. */
const LONGEST_WINDOW_SECONDS = 300;

/**
 * Reads what the clouds say in headers. `Retry-After` (seconds, or a date) goes before all others; then those that say
 * when there is more of what is used up: `RateLimit` of draft-ietf-httpapi-ratelimit-headers, `RateLimit-Reset` of its
 * earlier versions and `X-RateLimit-Reset`, as seconds or as a time. Azure's `x-ms-ratelimit-remaining-…` count without
 * naming a time, which its `Retry-After` does. What cannot be read is as good as not there.
 *
 * @param nowMs for what is said as a time, where the answer has no `Date` of its own
 */
export function readRate(headers: AnswerHeaders, nowMs = Date.now()): RateWords {
  const sentMs = dateOf(headers.get('date')) ?? nowMs;
  const limits = itemsOf(headers.get('ratelimit'));
  const waitMs = afterMs(headers.get('retry-after'), sentMs) ?? resetMs(headers, limits, sentMs);
  const perSecond = rateOf(itemsOf(headers.get('ratelimit-policy')), limits);
  return {
    ...(waitMs === undefined ? {} : { retryAfterMs: Math.min(LONGEST_WAIT_MS, Math.ceil(waitMs)) }),
    ...(perSecond === undefined ? {} : { limitPerSecond: perSecond }),
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

/** The rate of the policy that is used up, if the answer says which one; of those, the one that is over soonest. */
function rateOf(policies: readonly Item[], limits: readonly Item[]): number | undefined {
  const usedUp = new Set(limits.filter(isUsedUp).map(({ name }) => name));
  const [soonest] = policies
    .flatMap(({ name, numbers, unit }) => {
      // Earlier versions of the draft have the quota in the place of the name.
      const quota = numbers.get('q') ?? numberOf(name);
      const window = numbers.get('w');
      const isRate = unit === undefined || unit === 'requests';
      if (!isRate || !quota || !window || window > LONGEST_WINDOW_SECONDS) return [];
      return usedUp.size > 0 && !usedUp.has(name) ? [] : [{ window, perSecond: quota / window }];
    })
    .toSorted((one, other) => one.window - other.window);
  return soonest?.perSecond;
}

/** One member of a list of RFC 9651, as far as these fields use it. */
interface Item {
  name: string;
  numbers: ReadonlyMap<string, number>;
  unit: string | undefined;
}

const isUsedUp = ({ numbers }: Item): boolean => (numbers.get('r') ?? 1) < 1;

/** `"burst";q=12;w=3, "daily";q=1000;w=86400`; strings in it may hold commas and semicolons. */
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

/** A date of HTTP or of ISO 8601. */
function dateOf(text: string | null | undefined): number | undefined {
  const atMs = text && /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}
