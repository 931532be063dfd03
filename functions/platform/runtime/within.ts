import type { Timer } from './clock.ts';

/**
 * Waits for `work` for at most `limitMs`. If the work takes longer, it continues, but its result is ignored.
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
  // `Promise.race` ignores the slower promise. Without these handlers, a rejection of that promise would be unhandled.
  late.catch(() => {});
  work.catch(() => {});
  return await Promise.race([work, late]);
}
