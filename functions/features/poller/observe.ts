import { parseInstanceId } from '../../model/identifiers.ts';
import { readSiteState } from '../../platform/governor/hold-location.ts';
import { heldNow } from '../../platform/governor/slots.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';
import { hasElsewhere } from '../instances/attempt-elsewhere.ts';
import { ownMachine, proofTerms } from '../ownership/prove-machine.ts';
import { askById } from './ask-by-id.ts';
import { compare, machinesById } from './compare.ts';
import { differing } from './differing.ts';
import { pick } from './pick.ts';
import type { Found, Observed, Poll } from './poll.ts';
import type { Snapshot } from './snapshot.ts';
import { tellKeys } from './tell-keys.ts';

/**
 * Reads what a poll needs in addition to its snapshot. Reads the slots first, then the records that do not
 * agree with the list, then each machine that the list does not show. Writes nothing.
 */
export async function observe(poll: Poll, snapshot: Snapshot): Promise<Observed> {
  const { context, site, loop } = poll;
  const { store } = context;
  const state = await readSiteState(store, site);
  const holders = heldNow(state?.holders ?? {}, store.clock.now());
  const machines = machinesById(snapshot.seen, snapshot.entries);
  const picked = pick(snapshot, machines, holders, loop.fullAtMs ?? 0);
  const changed = await differing(poll, picked.restingIds, machines, snapshot.seenAtMs);
  const refs = [...picked.rereadIds, ...changed, ...Object.keys(picked.staleHolders)]
    .map(parseInstanceId)
    .filter((ref) => ref !== undefined);
  const records = refs.length > 0 ? await readInstances(store, refs) : new Map<string, InstanceItem>();
  const asked = await askById(poll, findingsOf(poll, snapshot, machines, records));
  const found = await tellKeys(context, asked);
  const movable = await movableAmong(context, found);
  return { snapshot, state, holders, machines, picked, records, found, movable };
}

/**
 * Compares each record with the list. Skips a record that has moved to another site, even if the index still
 * shows the record at this site.
 */
function findingsOf(
  { context: { driver }, site, opened }: Poll,
  { seenAtMs, asked }: Snapshot,
  machines: Observed['machines'],
  records: ReadonlyMap<string, InstanceItem>,
): Found[] {
  const here = [...records.values()].filter(
    (record) => sameSite(record, site) && (asked?.has(record.instanceId) ?? true),
  );
  const seen = { location: site.location, atMs: seenAtMs };
  const terms = proofTerms(driver, opened.client);
  return here.map((record) => {
    const machine = ownMachine(record, machines.get(record.instanceId) ?? [], seen, terms);
    return { record, finding: compare(record, machine, seenAtMs, driver.consistencyWindowMs) };
  });
}

/**
 * Returns the ids of records whose attempt fails at this site, and for which another attempt may follow, here or elsewhere.
 */
async function movableAmong(context: WorkerContext, found: readonly Found[]): Promise<Set<string>> {
  const movable = await Promise.all(
    found.map(async ({ record, finding }) => {
      if (finding.action !== 'change' || record.status !== 'Creating') return [];
      const { closeAs, failure } = finding.fields;
      const isFailing = closeAs === 'Failed' && failure !== undefined;
      return isFailing && (await hasElsewhere(context, { ...record, ...finding.fields }, failure))
        ? [record.instanceId]
        : [];
    }),
  );
  return new Set(movable.flat());
}
