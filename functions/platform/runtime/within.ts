import type { Timer } from './clock.ts';

/**
 * Waits for `work` for at most `limitMs`. If that time passes, the work itself continues, and its result is ignored.
 * @throws the error of `tooLate` if the work takes longer
 */
export async function within<Result>(
  clock: Timer,
  limitMs: number,
  work: Promise<Result>,
  tooLate: () => Error,
): Promise<Result> {
  const late = clock.sleep(limitMs).then((): never => {
    throw tooLate();
  });
  // The race ignores the slower promise, whose rejection must not count as unhandled.
  late.catch(() => {});
  work.catch(() => {});
  return await Promise.race([work, late]);
}
