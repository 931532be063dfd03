import type { AttemptItem, InstanceItem } from '../../platform/store/instances.ts';

/** Attempts before the current one that a record keeps; a machine of one that is forgotten is not proven any more. */
const MOST_EARLIER_ATTEMPTS = 12;
/** Keys of one attempt that a record keeps: one for each time that it was asked for again in another batch. */
const MOST_KEYS = 6;

/** Every attempt that a record knows of, the current one first. Pure. */
export function attemptsOf(record: InstanceItem): AttemptItem[] {
  return [...currentAttempt(record), ...(record.earlierAttempts ?? []).toReversed()];
}

/** The attempts that are kept once the current one is over. Pure. */
export function attemptsAfter(record: InstanceItem, nowMs: number): AttemptItem[] {
  const ended = currentAttempt(record).map((one) => ({ ...one, closedAtMs: one.closedAtMs ?? nowMs }));
  const all = [...(record.earlierAttempts ?? []), ...ended].slice(-MOST_EARLIER_ATTEMPTS);
  // Whatever vanished before its end was asked for is not wanted any more.
  return record.endAskedAtMs === undefined ? all : all.map(({ vanished: _, ...one }) => one);
}

/** An attempt's keys with that of the call that is about to be sent for it. Pure. */
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

/** By when the last call of a record's attempt was sent, in milliseconds. Pure. @param knownMs a time after which none was */
export function lastCallBy({ claimUntilMs }: Pick<InstanceItem, 'claimUntilMs'>, knownMs: number): number {
  // The worker that holds a claim is over before the claim is. Zero: no worker holds one any more.
  return claimUntilMs === 0 ? knownMs : Math.min(knownMs, claimUntilMs);
}

/** No call is sent for an attempt once the cloud has accepted one, or once it has ended without a machine. */
function closingOf(record: InstanceItem): number | undefined {
  const { acceptedAtMs, closedAtMs, terminatedAt } = record;
  const ended = closedAtMs ?? (terminatedAt === undefined ? undefined : Date.parse(terminatedAt));
  // What came of the attempt may be found out long after its last call.
  const lastMs = lastCallBy(record, acceptedAtMs ?? ended ?? Number.POSITIVE_INFINITY);
  return lastMs === Number.POSITIVE_INFINITY ? undefined : lastMs;
}
