import { recordAct } from '../../features/audit/record-act.ts';
import type { Caller } from '../../model/caller.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Log } from '../../platform/worker/context.ts';
import { actOf, type Origin, outcomeOf, outcomeOfProblem, type Seen } from './audit-request.ts';
import { Problem } from './problem.ts';

/** An operation that is ready to run, and what it was asked. */
interface Asked<Answer> {
  caller: Caller;
  input: { query: unknown; body: unknown };
  perform: () => Promise<Answer>;
}

/**
 * Performs the operation of a request. If it changes something, the audit log gets its entry, whatever becomes of it. A
 * replay of an earlier request changes nothing, and gets none.
 */
export async function performAudited<Answer extends { body: unknown; isReplay?: true }>(
  { store, log, origin }: { store: Store<'audit'>; log: Log; origin: Origin },
  seen: Seen,
  { caller: { actor }, input: { query, body }, perform }: Asked<Answer>,
): Promise<Answer> {
  const { route, params = {} } = seen;
  const audited = route?.audited;
  if (!audited) return await perform();
  const said: unknown = Object.assign({}, query, body);
  const act = actOf(store, origin, audited, { actor, params, body: said });
  const begun = () => {
    seen.isRecorded = true;
    return perform();
  };
  return await recordAct(store, log, act, begun, {
    answered: (answer) => (answer.isReplay ? undefined : outcomeOf(audited, said, answer.body)),
    failed: (error) => outcomeOfProblem(audited, said, error instanceof Problem ? error : undefined),
  });
}
