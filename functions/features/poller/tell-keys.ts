import { encryptionKeysOf } from '../../model/disk.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { isWithoutReason } from './finding.ts';
import type { Found } from './poll.ts';

type Layouts = Pick<WorkerContext, 'layout'>;

/**
 * Adds the names of the encryption keys to the failure of a machine that never ran. A cloud may end a machine because it
 * cannot use a key, and not say which, or say only that the launch failed.
 */
export async function tellKeys(context: Layouts, found: readonly Found[]): Promise<Found[]> {
  return await Promise.all(found.map((one) => told(context, one)));
}

async function told(context: Layouts, one: Found): Promise<Found> {
  const { record, finding } = one;
  const failure = finding.action === 'change' ? finding.fields.failure : undefined;
  if (finding.action !== 'change' || failure?.code !== 'CloudFailed' || record.runningAt !== undefined)
    return one;
  // A reason that the cloud tells later replaces a message without a reason.
  if (isWithoutReason(failure.message)) return one;
  const keys = (await keysOf(context, record)).filter((key) => !failure.message.includes(key));
  if (keys.length === 0) return one;
  const message = `${failure.message} (its disks are encrypted with ${keys.join(', ')})`;
  return { record, finding: { ...finding, fields: { ...finding.fields, failure: { ...failure, message } } } };
}

async function keysOf(
  context: Layouts,
  { fleetId, index }: Pick<InstanceItem, 'fleetId' | 'index'>,
): Promise<string[]> {
  const { group } = groupAt((await context.layout(fleetId)).placements, index) ?? {};
  return group ? [...new Set(encryptionKeysOf(group).map(({ id }) => id))] : [];
}
