import type { WriterMark } from '../../drivers/contract/capabilities.ts';

/** A deployment whose mark was not renewed for this long no longer works at the account. */
export const MARK_LIVES_MS = 86_400_000;

export interface MarksSeen {
  own: WriterMark | undefined;
  /** The oldest other live deployment with the same id. */
  other: WriterMark | undefined;
  /** Marks of other deployments that no longer use the account. */
  stale: WriterMark[];
}

/**
 * Sorts the marks at an account by owner and age. Pure.
 *
 * @param ignoredUntilMs time of an operator's decision: other deployments whose marks were not renewed after it no
 *   longer use the account
 */
export function judgeMarks(
  marks: readonly WriterMark[],
  writerId: string,
  nowMs: number,
  ignoredUntilMs = Number.NEGATIVE_INFINITY,
): MarksSeen {
  const others = marks.filter((mark) => mark.writerId !== writerId);
  const isAlive = ({ renewedAtMs }: WriterMark) =>
    renewedAtMs + MARK_LIVES_MS > nowMs && renewedAtMs > ignoredUntilMs;
  return {
    own: marks.find((mark) => mark.writerId === writerId),
    other: others.filter(isAlive).toSorted((one, two) => (cameFirst(one, two) ? -1 : 1))[0],
    stale: others.filter((mark) => !isAlive(mark)),
  };
}

/**
 * Returns true if `one` is older than `other`. Ties are broken by the writer's id: two deployments that start together
 * then agree on the order.
 */
export function cameFirst(one: WriterMark, other: WriterMark): boolean {
  return one.sinceMs === other.sinceMs ? one.writerId < other.writerId : one.sinceMs < other.sinceMs;
}
