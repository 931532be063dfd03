import type { WriterMark } from '../../drivers/contract/capabilities.ts';

/**
 * Lifetime of a deployment's mark in a cloud account, in ms since the mark was last renewed. If the mark is
 * older, the deployment counts as no longer using the account.
 */
export const MARK_LIVES_MS = 86_400_000;

export interface MarksSeen {
  own: WriterMark | undefined;
  /** Mark of the oldest other live deployment with the same id. */
  other: WriterMark | undefined;
  /** Marks of other deployments that no longer use the account. */
  stale: WriterMark[];
}

/**
 * Finds this deployment's own mark in an account, the oldest live mark of another deployment, and the stale
 * marks of other deployments. Pure.
 *
 * @param marks marks of deployments with this deployment's id
 * @param writerId id that only this deployment's own marks have
 * @param ignoredUntilMs time at which an operator decided that other deployments no longer use the account;
 *   other deployments' marks that were not renewed after that time are stale
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
 * Returns true if `one` is older than `other`. Of two marks with the same time, the one with the smaller
 * writer id counts as older. Therefore two deployments that start at the same time agree on the order.
 */
export function cameFirst(one: WriterMark, other: WriterMark): boolean {
  return one.sinceMs === other.sinceMs ? one.writerId < other.writerId : one.sinceMs < other.sinceMs;
}
