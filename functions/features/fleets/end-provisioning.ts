import type { Store } from '../../platform/store/store.ts';
import type { Log } from '../../platform/worker/context.ts';
import type { SettleAnswer } from '../../platform/workflow/messages.ts';
import { recordHistory } from '../history/record-history.ts';
import { settleFleet } from './settle.ts';
import type { Workflows } from './workflows.ts';

/**
 * Fails an execution whose work was interrupted. The alarm on failed executions therefore means a fault of Fleetwright
 * or of the AWS account. `provision-fleet` does not repeat the state Settle after this error.
 */
export class ProvisioningInterrupted extends Error {
  override readonly name = 'ProvisioningInterrupted';

  constructor(by: string) {
    super(`ended early by ${by}`);
  }
}

export interface EndDeps {
  store: Store<'fleets' | 'history'>;
  removals: Pick<Workflows, 'start'>;
  log: Pick<Log, 'warn'>;
}

/**
 * Runs the workflow's state Settle: settles the fleet, starts the removal that the failure policy requires, and records
 * the outcomes. A second run returns the same.
 *
 * @param interruptedBy name of the error that ended the execution's work early, if there was one
 * @throws ProvisioningInterrupted at the end, if there was one
 */
export async function endProvisioning(
  { store, removals, log }: EndDeps,
  {
    fleetId,
    execution,
    interruptedBy,
  }: { fleetId: string; execution: number; interruptedBy?: string | undefined },
): Promise<SettleAnswer> {
  const answer = await settleFleet(store, { fleetId, execution });
  const { removal } = answer;
  if (removal) {
    const work = removal.scope === 'fleet' ? 'remove' : 'refine';
    try {
      await removals.start({ work, fleetId, execution: removal.execution });
    } catch (error) {
      log.warn('the removal was not started: the reconciler starts it', { fleetId, error });
    }
  }
  await recordHistory(store, fleetId);
  if (interruptedBy !== undefined) throw new ProvisioningInterrupted(interruptedBy);
  return answer;
}
