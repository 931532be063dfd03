import { DriverError } from '../../drivers/contract/errors.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import { readSiteState } from '../../platform/governor/hold-location.ts';
import { heldNow } from '../../platform/governor/slots.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import { timeLeftMs, type WorkerContext } from '../../platform/worker/context.ts';
import { hasElsewhere } from '../instances/attempt-elsewhere.ts';
import { isBoundTo, ownMachine, proofTerms, proveMachine } from '../ownership/prove-machine.ts';
import { compare, type Finding, machinesById, vanished } from './compare.ts';
import { pick } from './pick.ts';
import type { Found, Observed, Poll } from './poll.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Maximum time that a call about one machine waits for its permit, in ms. If no permit comes in this time, a
 * later poll reads the machine.
 */
const CONFIRM_WAIT_MS = 4_000;

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
  const refs = [...picked.rereadIds, ...Object.keys(picked.staleHolders)]
    .map(parseInstanceId)
    .filter((ref) => ref !== undefined);
  const records = refs.length > 0 ? await readInstances(store, refs) : new Map<string, InstanceItem>();
  const listed = findingsOf(poll, snapshot, machines, records);
  const found = [...listed, ...(await confirmMissing(poll, listed))];
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
 * Reads by id each machine that the list does not show. A list may leave out a machine that exists. Only the
 * cloud's answer about that one machine proves that the machine no longer exists.
 */
async function confirmMissing(poll: Poll, listed: readonly Found[]): Promise<Found[]> {
  const answers = await Promise.all(
    listed.map(async ({ record, finding }): Promise<Finding | undefined> => {
      if (finding.action !== 'confirm') return undefined;
      return await confirm(poll, record, finding.backendId);
    }),
  );
  return listed.flatMap(({ record }, at) => {
    const finding = answers[at];
    return finding ? [{ record, finding }] : [];
  });
}

/**
 * Reads one machine by id, and compares its record with the answer.
 *
 * @returns undefined if the cloud does not answer now, or if it is uncertain to which attempt the machine
 *   belongs
 */
async function confirm(
  { context, site, opened }: Poll,
  record: InstanceItem,
  backendId: string,
): Promise<Finding | undefined> {
  const { driver, store } = context;
  const terms = proofTerms(driver, opened.client);
  try {
    const waitMs = Math.min(CONFIRM_WAIT_MS, timeLeftMs(context) / 4);
    const machine = await opened.onTerms({ waitMs }).getInstance(site.location, backendId);
    const nowMs = store.clock.now();
    const shown = { machine, location: site.location, atMs: nowMs };
    if (isBoundTo(record, shown, terms)) return compare(record, machine, nowMs, driver.consistencyWindowMs);
    // A machine that is proven to be a copy has taken over the backend id. The record's own machine no longer
    // exists.
    return proveMachine(shown, record, terms) === 'copy' ? whenGone(record, nowMs) : undefined;
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return error.code === 'NotFound' ? whenGone(record, store.clock.now()) : undefined;
  }
}

function whenGone(record: InstanceItem, nowMs: number): Finding {
  if (record.status !== 'Creating') return vanished(nowMs);
  const failure = { code: 'Vanished', message: 'the machine ceased to exist at the cloud before it ran' };
  return {
    action: 'change',
    to: 'Failed',
    fields: { failure, terminatedAt: new Date(nowMs).toISOString() },
  };
}

/**
 * Returns the ids of records whose attempt fails at this site, and whose fleet has a further location to try.
 */
async function movableAmong(context: WorkerContext, found: readonly Found[]): Promise<Set<string>> {
  const movable = await Promise.all(
    found.map(async ({ record, finding }) => {
      if (finding.action !== 'change' || record.status !== 'Creating') return [];
      const { closeAs, failure } = finding.fields;
      const isFailing = closeAs === 'Failed' && failure !== undefined;
      return isFailing && (await hasElsewhere(context, record, failure)) ? [record.instanceId] : [];
    }),
  );
  return new Set(movable.flat());
}
