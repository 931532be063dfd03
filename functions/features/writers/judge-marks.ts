import type { WriterMark } from '../../drivers/contract/capabilities.ts';

/** A deployment that has not renewed its mark for so long does not work there any more. */
export const MARK_LIVES_MS = 86_400_000;

export interface MarksSeen {
  own: WriterMark | undefined;
  /** Another deployment with our id that is alive: the one that came first. */
  other: WriterMark | undefined;
  /** Marks of deployments that are over. */
  stale: WriterMark[];
}

/**
 * Tells whose marks stand at an account. Pure.
 *
 * @param ignoredUntilMs an operator said that deployments which were not seen since then are over
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

/** Two that begin together agree on this, whatever each has seen. */
export function cameFirst(one: WriterMark, other: WriterMark): boolean {
  return one.sinceMs === other.sinceMs ? one.writerId < other.writerId : one.sinceMs < other.sinceMs;
}
