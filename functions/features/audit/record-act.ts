import type { AuditData, AuditEntry, AuditTarget } from '../../model/audit-entry.ts';
import { appendAudit } from '../../platform/store/append-audit.ts';
import { forgetAct, noteAct, type OpenAct } from '../../platform/store/open-acts.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Log } from '../../platform/worker/context.ts';

/** What an act has led to. */
export interface Outcome extends Pick<AuditEntry, 'result' | 'code'> {
  /** Name and id of the thing, if the act has found or made it. */
  target?: Partial<AuditTarget>;
  data?: AuditData;
}

interface Judge<Answer> {
  /** Returns the outcome of an act that was answered. Undefined: the act has changed nothing, and gets no entry. */
  answered: (answer: Answer) => Outcome | undefined;
  failed: (error: unknown) => Outcome;
}

/**
 * Performs an act, and appends its entry to the audit log. The act is noted before it begins: if the process ends before the
 * entry is written, `closeActs` writes it. If the note cannot be written, the act does not begin.
 *
 * @returns the answer of the act @throws what the act throws
 */
export async function recordAct<Answer>(
  store: Store<'audit'>,
  log: Log,
  act: OpenAct,
  perform: () => Promise<Answer>,
  { answered, failed }: Judge<Answer>,
): Promise<Answer> {
  await noteAct(store, act);
  let answer: Answer;
  try {
    answer = await perform();
  } catch (error) {
    await settle(store, log, act, failed(error));
    throw error;
  }
  await settle(store, log, act, answered(answer));
  return answer;
}

/** Writes the entry, then forgets the note. An error changes nothing about the act: `closeActs` finds the note later. */
async function settle(
  store: Store<'audit'>,
  log: Log,
  act: OpenAct,
  outcome: Outcome | undefined,
): Promise<void> {
  try {
    if (outcome) await appendAudit(store, entryOf(act, outcome));
    await forgetAct(store, act);
  } catch (error) {
    log.error('the entry of an act could not be written: a schedule writes it', {
      type: act.type,
      id: act.id,
      error,
    });
  }
}

function entryOf(act: OpenAct, { target, ...outcome }: Outcome): AuditEntry {
  return { ...act, ...outcome, target: { ...act.target, ...target } };
}
