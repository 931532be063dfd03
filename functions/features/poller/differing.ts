import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { type InstanceRef, parseInstanceId } from '../../model/identifiers.ts';
import { readInstances } from '../../platform/store/instances.ts';
import { ownMachine, proofTerms } from '../ownership/prove-machine.ts';
import { compare } from './compare.ts';
import type { Poll } from './poll.ts';

/**
 * Returns the ids of instances whose records differ from their machines in status, addresses or type. Reads the
 * records without strong consistency, which costs half as much. The caller reads a differing record again before it
 * decides anything.
 *
 * @param machines listed machines by instance id
 * @param seenAtMs time at which the cloud was asked for the list
 */
export async function differing(
  { context: { store, driver }, site, opened }: Pick<Poll, 'context' | 'site' | 'opened'>,
  ids: readonly string[],
  machines: ReadonlyMap<string, readonly CloudInstance[]>,
  seenAtMs: number,
): Promise<string[]> {
  const refs = ids.map(parseInstanceId).filter((ref): ref is InstanceRef => ref !== undefined);
  if (refs.length === 0) return [];
  const records = await readInstances(store, refs, { isConsistent: false });
  const terms = proofTerms(driver, opened.client);
  const seen = { location: site.location, atMs: seenAtMs };
  return [...records.values()].flatMap((record) => {
    const machine = ownMachine(record, machines.get(record.instanceId) ?? [], seen, terms);
    const finding = compare(record, machine, seenAtMs, driver.consistencyWindowMs);
    return finding.action === 'none' ? [] : [record.instanceId];
  });
}
