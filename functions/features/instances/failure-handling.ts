import { type DriverError, failureOf } from '../../drivers/contract/errors.ts';
import type { Failure } from '../../model/failure.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { updateInstance } from '../../platform/store/transition.ts';
import { type MessageResult, requeueAfter, type WorkerContext } from '../../platform/worker/context.ts';
import { mayLackNetwork } from './lost-network.ts';
import { countAnswer } from './unknown-answers.ts';

const MAX_REFUSALS = 6;

/** The result of a create call: the launch's message result, or the attempt's failure. */
export type Outcome = { result: MessageResult } | { failure: Failure };

/**
 * Handles the failure of a create call by its error code. The table of codes is in
 * docs/design/driver-errors.md. If a poll has bound the record to a machine since the claim, the record is
 * not changed. The next delivery of the message then finds the machine in the record. `fleets/verdict.ts`
 * decides what the failure means for the fleet.
 *
 * @param machines number of machines that the call asked for
 */
export async function handleFailure(
  context: WorkerContext,
  record: InstanceItem,
  error: DriverError,
  machines = 1,
): Promise<Outcome> {
  const { store } = context;
  // A zone that has no room for one machine is not tried again with smaller calls.
  const failure = { ...failureOf(error), ...(machines === 1 || error.holdsForOne ? {} : { machines }) };
  context.log.warn('the cloud did not accept a create call', {
    instanceId: record.instanceId,
    code: error.code,
    cloudCode: error.cloudCode,
    message: error.message,
  });
  switch (error.code) {
    case 'Throttled':
      await updateInstance(store, record, { launchState: 'refused' });
      return { result: requeueAfter(error.retryAfterMs ?? 1_000) };
    case 'Unavailable': {
      const refusals = record.refusals + 1;
      if (refusals > MAX_REFUSALS) return { failure };
      await updateInstance(store, record, { launchState: 'refused', refusals });
      return { result: requeueAfter(1_000 * 2 ** refusals) };
    }
    case 'NoPermit':
      // Either the driver sent no request, or its requests created nothing.
      await updateInstance(store, record, { launchState: 'refused' });
      return { result: requeueAfter(error.retryAfterMs ?? 1_000) };
    case 'OutcomeUnknown':
    case 'Conflict':
      await updateInstance(store, record, {
        launchState: 'unknown',
        unknownSinceMs: store.clock.now(),
        unknownAnswer: countAnswer(record.unknownAnswer, error, store.clock.now()),
      });
      // The message is delivered again immediately. At that delivery, `nextStep` decides how long to wait
      // before a look-up.
      return { result: requeueAfter(0) };
    case 'Unauthorized':
      // The caller has marked the connection. At the next delivery, `awaitCredential` decides how long the launch
      // waits for the connection.
      await updateInstance(store, record, { launchState: 'refused' });
      return { result: requeueAfter(1_000) };
    case 'InvalidRequest':
    case 'NotFound': {
      const refusals = record.refusals + 1;
      if (refusals > MAX_REFUSALS || !(await mayLackNetwork(context, record))) return { failure };
      await updateInstance(store, record, { launchState: 'refused', refusals });
      return { result: requeueAfter(1_000) };
    }
    case 'InsufficientCapacity':
    case 'QuotaExceeded':
    case 'Unsupported':
    case 'Forbidden':
      return { failure };
  }
}
