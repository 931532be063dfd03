import type { AttemptItem, InstanceItem } from '../../platform/store/instances.ts';

/**
 * Maximum number of earlier attempts that a record keeps. For a machine of an older attempt, there is no
 * longer a proof that this deployment created the machine.
 */
const MOST_EARLIER_ATTEMPTS = 12;
/**
 * Maximum number of idempotency keys that a record keeps for one attempt. Each repeated call in another batch
 * adds a key. Beyond this number, the oldest keys are dropped.
 */
const MOST_KEYS = 6;

/** Returns every attempt in a record, the current one first. Pure. */
export function attemptsOf(record: InstanceItem): AttemptItem[] {
  return [...currentAttempt(record), ...(record.earlierAttempts ?? []).toReversed()];
}

/**
 * Returns the earlier attempts that a record keeps after its current attempt has ended, including that
 * attempt. Pure.
 */
export function attemptsAfter(record: InstanceItem, nowMs: number): AttemptItem[] {
  const ended = currentAttempt(record).map((one) => ({ ...one, closedAtMs: one.closedAtMs ?? nowMs }));
  const all = [...(record.earlierAttempts ?? []), ...ended].slice(-MOST_EARLIER_ATTEMPTS);
  // If the removal of an instance was requested, the instance no longer needs a vanished machine that
  // reappears.
  return record.endAskedAtMs === undefined ? all : all.map(({ vanished: _, ...one }) => one);
}

/** Adds the key of the upcoming call to an attempt's keys. Pure. */
export function keysWith(keys: readonly string[] | undefined, key: string | undefined): string[] | undefined {
  if (key === undefined) return keys && [...keys];
  return [...(keys ?? []).filter((one) => one !== key), key].slice(-MOST_KEYS);
}

function currentAttempt(record: InstanceItem): AttemptItem[] {
  const { launchToken, location, firstSentAtMs, idempotencyKeys, backendId, failure } = record;
  if (firstSentAtMs === undefined) return [];
  const closedAtMs = closingOf(record);
  return [
    {
      launchToken,
      location,
      firstSentAtMs,
      ...(closedAtMs === undefined ? {} : { closedAtMs }),
      ...(idempotencyKeys === undefined ? {} : { idempotencyKeys }),
      ...(backendId === undefined ? {} : { backendId }),
      ...(backendId !== undefined && failure?.code === 'Vanished' ? { vanished: true } : {}),
    },
  ];
}

/**
 * Returns the latest time at which a call of the record's attempt may have been sent, in ms. Pure.
 *
 * @param knownMs a time after which no call was sent
 */
export function lastCallBy({ claimUntilMs }: Pick<InstanceItem, 'claimUntilMs'>, knownMs: number): number {
  // A worker's invocation ends before its claim expires. If `claimUntilMs` is 0, no worker has a claim.
  return claimUntilMs === 0 ? knownMs : Math.min(knownMs, claimUntilMs);
}

/**
 * Returns the time of the last call of the record's attempt; undefined if further calls may follow. No call
 * follows after the cloud has accepted one, or after the attempt has ended without a machine.
 */
function closingOf(record: InstanceItem): number | undefined {
  const { acceptedAtMs, closedAtMs, terminatedAt } = record;
  const ended = closedAtMs ?? (terminatedAt === undefined ? undefined : Date.parse(terminatedAt));
  // The outcome of an attempt may become known long after its last call.
  const lastMs = lastCallBy(record, acceptedAtMs ?? ended ?? Number.POSITIVE_INFINITY);
  return lastMs === Number.POSITIVE_INFINITY ? undefined : lastMs;
}
