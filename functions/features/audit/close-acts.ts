import { appendAudit } from '../../platform/store/append-audit.ts';
import { forgetAct, readOpenActs } from '../../platform/store/open-acts.ts';
import type { Store } from '../../platform/store/store.ts';

/**
 * Time after which no process performs a noted act any more, in ms: twice the time limit of the API's functions. It covers
 * the difference between the clocks of two processes.
 */
export const CLOSED_AFTER_MS = 60_000;

/**
 * Writes the entries of acts whose process ended before it wrote them. Their result is `unknown`. If the process has written
 * the entry, and not removed the note, the entry stays as it is. A schedule calls this each minute.
 *
 * @returns the number of acts that were closed
 */
export async function closeActs(store: Store<'audit'>): Promise<number> {
  const untilMs = store.clock.now() - CLOSED_AFTER_MS;
  const acts = (await readOpenActs(store)).filter(({ at }) => Date.parse(at) < untilMs);
  for (const act of acts) {
    await appendAudit(store, { ...act, result: 'unknown' });
    await forgetAct(store, act);
  }
  return acts.length;
}
