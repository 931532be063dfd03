import { recordFeedback } from '../../platform/governor/create-feedback.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { governed, type WorkerContext } from '../../platform/worker/context.ts';
import { wantedCreate } from '../instances/describe-create.ts';
import type { Applied } from './apply-changes.ts';
import type { Poll } from './poll.ts';

/**
 * Tells the governor which quotas the machines exceeded that the cloud had accepted. A cloud may accept a launch, and
 * count again before the machine runs.
 */
export async function noteQuotas(
  { context, site, opened }: Poll,
  { written, after }: Applied,
): Promise<void> {
  const beyond = [...after.values()].filter(
    ({ instanceId, status, exceededQuota }) =>
      written.has(instanceId) && status === 'Terminating' && exceededQuota !== undefined,
  );
  if (beyond.length === 0) return;
  const feedback = await Promise.all(beyond.map((record) => feedbackOn(context, record)));
  await recordFeedback(context.store, governed(site, opened), feedback, []);
}

async function feedbackOn(context: WorkerContext, record: InstanceItem) {
  const { fleetId, index, round, connectionKey, location, exceededQuota, failure } = record;
  const message = {
    kind: 'launch' as const,
    fleetId,
    index,
    round,
    connectionKey,
    location,
  };
  const wanted = await wantedCreate(context, { message, again: false, record });
  const { of, ...figures } = exceededQuota ?? {};
  return {
    kind: 'no-quota' as const,
    wanted,
    message: failure?.message ?? '',
    quota: of === undefined ? undefined : { of, ...figures },
  };
}
