import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import type { InstanceFields, StatusChange } from '../../platform/store/transition.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { addressChange } from '../ownership/addresses.ts';
import { applyChanges, freeSlotsOf } from './outcomes.ts';

/** A claimed record, with the machine in the answer to its create call. */
export interface Created {
  record: InstanceItem;
  machine: CloudInstance;
}

/** Returns the fields that a record gets when the cloud first shows that its machine has booted. */
export function fieldsOfRunning(
  record: Pick<InstanceItem, 'runningAt' | 'publicIp' | 'privateIp' | 'ipv6'>,
  machine: CloudInstance,
  nowMs: number,
): InstanceFields {
  return {
    runningAt: record.runningAt ?? new Date(nowMs).toISOString(),
    ...addressChange(record, machine).fields,
    ...(machine.zone === undefined ? {} : { zone: machine.zone }),
  };
}

/**
 * Maximum number of attempts to write. A write may conflict with a poll that has bound the machine, or with
 * a launch of a later round. After the last attempt, a later poll records the instance.
 */
const MAX_TRIES = 3;

/**
 * Records instances as Running if, according to the cloud's answer, their machines already run. Gives their slots back,
 * without waiting for a poll. Polls record all other instances when
 * their machines run (`poller/compare.ts`).
 *
 * @returns ids of the instances that were recorded; the machine of any other instance does not run yet, or
 *   its record has changed
 */
export async function recordRunning(
  context: WorkerContext,
  created: readonly Created[],
): Promise<Set<string>> {
  const recorded: InstanceItem[] = [];
  let left = created.filter(({ machine }) => machine.status === 'Running');
  for (let attempt = 1; left.length > 0 && attempt <= MAX_TRIES; attempt += 1) {
    const now = attempt === 1 ? undefined : await readInstances(context.store, left.map(refOf));
    left = left.flatMap(({ record, machine }) => {
      const stands = now ? now.get(record.instanceId) : record;
      return stands && awaits(stands, record, machine) ? [{ record: stands, machine }] : [];
    });
    const changes = left.map((one) => changeOf(one, context.store.clock.now()));
    const applied = new Set((await applyChanges(context, changes)).applied);
    for (const { record, to } of changes)
      if (applied.has(record.instanceId)) recorded.push({ ...record, status: to });
    left = left.filter(({ record }) => !applied.has(record.instanceId));
  }
  await freeSlotsOf(context, recorded);
  return new Set(recorded.map(({ instanceId }) => instanceId));
}

const refOf = ({ record }: Created) => record;

/** Returns true if a record still waits for this machine to run. */
function awaits(record: InstanceItem, claimed: InstanceItem, { backendId }: CloudInstance): boolean {
  if (record.status !== 'Creating' || record.attempt !== claimed.attempt) return false;
  return record.backendId === undefined || record.backendId === backendId;
}

function changeOf({ record, machine }: Created, nowMs: number) {
  return {
    kind: 'change',
    record,
    to: 'Running',
    fields: {
      ...fieldsOfRunning(record, machine, nowMs),
      launchState: 'accepted',
      backendId: machine.backendId,
      acceptedAtMs: nowMs,
    },
  } as const satisfies StatusChange;
}
