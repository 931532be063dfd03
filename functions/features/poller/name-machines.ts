import pLimit from 'p-limit';
import { has, type NamedMachine } from '../../drivers/contract/capabilities.ts';
import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { InstanceStatus } from '../../model/status.ts';
import type { Poll } from './poll.ts';
import type { Snapshot } from './snapshot.ts';

const CONCURRENT_CALLS = 10;
/** Maximum number of machines that one poll names. The next poll names the others. */
const MOST_A_POLL = 50;

const ENDING: ReadonlySet<InstanceStatus> = new Set(['Terminating', 'Terminated', 'Failed']);

/**
 * Gives names to machines that were made together and carry the tags of their create call only. No launch waits for
 * that: the calls need permits that are free now. Names only machines to which a record is bound, since a copy carries the
 * same tags.
 *
 * @returns true if the next poll has to name further machines. False also if the cloud denies the call
 */
export async function nameMachines(
  { context, site, opened }: Pick<Poll, 'context' | 'site' | 'opened'>,
  snapshot: Pick<Snapshot, 'entries' | 'seen'>,
): Promise<boolean> {
  const { client } = opened;
  if (!has(client, 'late-names')) return false;
  const unnamed = boundAmong(snapshot);
  let refusal: DriverError | undefined;
  const name = async (machine: NamedMachine): Promise<void> => {
    if (refusal) return;
    try {
      await client.nameInstance(site.location, machine);
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      if (error.code !== 'NotFound') refusal ??= error;
    }
  };
  const limit = pLimit(CONCURRENT_CALLS);
  const now = unnamed.slice(0, MOST_A_POLL);
  await Promise.all(now.map((machine) => limit(() => name(machine))));
  if (!refusal) return unnamed.length > now.length;
  if (refusal.code === 'NoPermit' || refusal.code === 'Throttled') return true;
  const { code, message } = refusal;
  context.log.warn('machines got no names of their own', { location: site.location, code, message });
  return false;
}

/** Returns the machines without a name to which a record of the site is bound. Pure. */
function boundAmong({ entries, seen }: Pick<Snapshot, 'entries' | 'seen'>): NamedMachine[] {
  const bound = new Map(entries.map(({ backendId, siteSk }) => [backendId, siteSk]));
  return seen.flatMap(({ isUnnamed, backendId, instanceId, launchToken, status }: CloudInstance) =>
    isUnnamed &&
    !ENDING.has(status) &&
    launchToken !== undefined &&
    instanceId !== undefined &&
    bound.get(backendId) === instanceId
      ? [{ backendId, instanceId, launchToken }]
      : [],
  );
}
