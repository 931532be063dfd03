import type { Timer } from './clock.ts';

/** What it comes to when work is not done within its time; the work itself goes on, and nothing hears of it. */
export async function within<Result>(
  clock: Timer,
  limitMs: number,
  work: Promise<Result>,
  tooLate: () => Error,
): Promise<Result> {
  const late = clock.sleep(limitMs).then((): never => {
    throw tooLate();
  });
  // Whichever comes second, nothing waits for it.
  late.catch(() => {});
  work.catch(() => {});
  return await Promise.race([work, late]);
}
