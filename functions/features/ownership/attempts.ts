import { isEndedUnasked } from '../../model/lost-machine.ts';
import type { AttemptItem, InstanceItem } from '../../platform/store/instances.ts';

/**
 * Maximum number of earlier attempts that a record keeps. Without a record of the attempt, it cannot be
 * proven that this deployment created the attempt's machine.
 */
const MOST_EARLIER_ATTEMPTS = 12;
/**
 * Maximum number of idempotency keys that a record keeps for one attempt. Each repetition of the create call
 * in another batch adds a key. Beyond this number, the oldest keys are dropped.
 */
const MOST_KEYS = 6;

/** Returns every attempt in a record, the current attempt first. Pure. */
export function attemptsOf(record: InstanceItem): AttemptItem[] {
  return [...currentAttempt(record), ...(record.earlierAttempts ?? []).toReversed()];
}

/**
 * Returns the value of `earlierAttempts` after the record's current attempt has ended. The value includes
 * that attempt. Pure.
 */
export function attemptsAfter(record: InstanceItem, nowMs: number): AttemptItem[] {
  const ended = currentAttempt(record).map((one) => ({ ...one, closedAtMs: one.closedAtMs ?? nowMs }));
  const all = [...(record.earlierAttempts ?? []), ...ended].slice(-MOST_EARLIER_ATTEMPTS);
  // If the removal of the instance was requested, the record must not take back a vanished machine that
  // reappears.
  return record.endAskedAtMs === undefined ? all : all.map(({ vanished: _, ...one }) => one);
}

/** Returns an attempt's idempotency keys with the key of the upcoming call added. Pure. */
export function keysWith(keys: readonly string[] | undefined, key: string | undefined): string[] | undefined {
  if (key === undefined) return keys && [...keys];
  return [...(keys ?? []).filter((one) => one !== key), key].slice(-MOST_KEYS);
}

function currentAttempt(record: InstanceItem): AttemptItem[] {
  const { launchToken, location, firstSentAtMs, idempotencyKeys, backendId, failure, market, onDemandSeats } =
    record;
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
      ...(backendId !== undefined && isEndedUnasked(failure) ? { vanished: true } : {}),
      ...(market === undefined || market === 'on-demand' ? {} : { market }),
      ...(onDemandSeats === undefined ? {} : { onDemandSeats }),
    },
  ];
}

/**
 * Returns the latest time at which a call of the record's attempt may have been sent, in ms. Pure.
 *
 * @param knownMs a time after which no call was sent
 */
export function lastCallBy({ claimUntilMs }: Pick<InstanceItem, 'claimUntilMs'>, knownMs: number): number {
  // A worker's invocation ends before the worker's claim expires. If `claimUntilMs` is 0, no worker has a
  // claim.
  return claimUntilMs === 0 ? knownMs : Math.min(knownMs, claimUntilMs);
}

/**
 * Returns the time of the last call of the record's attempt; undefined if further calls may follow. No call
 * follows after the cloud has accepted a call, or after the attempt has ended without a machine.
 */
function closingOf(record: InstanceItem): number | undefined {
  const { acceptedAtMs, closedAtMs, terminatedAt } = record;
  const ended = closedAtMs ?? (terminatedAt === undefined ? undefined : Date.parse(terminatedAt));
  // The outcome of an attempt may become known long after the attempt's last call.
  const lastMs = lastCallBy(record, acceptedAtMs ?? ended ?? Number.POSITIVE_INFINITY);
  return lastMs === Number.POSITIVE_INFINITY ? undefined : lastMs;
}
