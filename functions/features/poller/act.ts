import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import { type InstanceRef, parseInstanceId } from '../../model/identifiers.ts';
import { isClosed, isTransitional } from '../../model/status.ts';
import type { Holders } from '../../platform/governor/slots.ts';
import { samePlace } from '../../platform/placement/lay-out.ts';
import { type InstanceItem, readInstances } from '../../platform/store/instances.ts';
import type { StatusChange } from '../../platform/store/transition.ts';
import type { OpenConnection, PlaceRef, WorkerContext } from '../../platform/worker/context.ts';
import { reviewLater } from '../../platform/worker/review-later.ts';
import { noteMissing, noteVanished } from '../findings/missing.ts';
import { reviewFleet } from '../fleets/review-fleet.ts';
import { stopWhenDecided } from '../fleets/stop-when-decided.ts';
import { adopt } from '../instances/adopt.ts';
import { hasElsewhere, launchElsewhere } from '../instances/attempt-elsewhere.ts';
import { fenceClaims } from '../instances/fence-claims.ts';
import { applyChanges, failInstances, handOff, withPresentTokens } from '../instances/finish.ts';
import { recordRunning } from '../instances/record-running.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import { isBoundTo, ownMachine, proofTerms, proveMachine } from '../ownership/prove-machine.ts';
import { abandonedSlots, aboutToClaim, isLeaving } from './abandoned-slots.ts';
import { compare, type Finding, vanished } from './compare.ts';
import { removeMachines } from './remove-machines.ts';

export interface Suspects {
  /** Records that do not agree with the cloud's list, or whose deadline is to be checked. */
  suspectIds: readonly string[];
  /** Holders of slots that are not being created, by when they got their permit: a hand-off was cut short. */
  strangers: Holders;
  /** All holders of slots, as they were read before the records. */
  holders: Holders;
  machines: ReadonlyMap<string, readonly CloudInstance[]>;
  /** When the cloud was asked for them: what came later cannot be missing. */
  seenAtMs: number;
  /** Ids that the cloud was asked about; absent: it was asked for all. Of others, that it shows nothing says nothing. */
  asked?: ReadonlySet<string> | undefined;
}

export interface Acted {
  /** How many of the suspects, and of the slots, are still in transition. */
  left: number;
  /** Ids of those whose records are closed now: the cloud has fewer machines than it had. */
  gone: string[];
  /** Whether calls to remove machines are left to be made. */
  isRemoving: boolean;
}

/** Does what a look found to be done. */
export async function actOn(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  { suspectIds, strangers, holders, machines, seenAtMs, asked }: Suspects,
): Promise<Acted> {
  const refs = refsOf([...suspectIds, ...Object.keys(strangers)]);
  if (refs.length === 0) return { left: 0, gone: [], isRemoving: false };
  const records = await readInstances(context.store, refs);
  const nowMs = context.store.clock.now();
  // The index may still show what has moved since: what this place's list says is nothing to those.
  const here = [...records.values()].filter(
    (record) => samePlace(record, place) && (asked?.has(record.instanceId) ?? true),
  );
  const seen = { location: place.location, atMs: seenAtMs };
  const terms = proofTerms(context.driver, opened.client);
  const findings = here.map((record) => {
    const machine = ownMachine(record, machines.get(record.instanceId) ?? [], seen, terms);
    return { record, finding: compare(record, machine, seenAtMs, context.driver.consistencyWindowMs) };
  });
  const confirmed = await confirmMissing(context, place, opened, findings);
  const found = [...findings, ...confirmed];
  const changes = await Promise.all(
    found.flatMap(({ record, finding }) =>
      finding.action === 'change' ? [changeOf(context, record, finding)] : [],
    ),
  );
  const vanishing = changes.filter(({ fields }) => fields?.failure?.code === 'Vanished');
  const missing = await noteMissing(
    context,
    place,
    opened,
    vanishing.map(({ record }) => record),
  );
  await reviewLater(context, changes.filter(isRecovery));
  const { applied } = await applyChanges(context, place, changes);
  const written = new Set(applied);
  await noteVanished(
    context,
    [...missing].flatMap(([id, finding]) => (written.has(id) ? [finding] : [])),
  );
  const after = new Map(records);
  for (const { record, to, fields } of changes) {
    if (written.has(record.instanceId)) after.set(record.instanceId, { ...record, ...fields, status: to });
  }
  const waiting = aboutToClaim(strangers, after, place, nowMs);
  const ended = [...after.values()].filter(
    ({ instanceId }) => written.has(instanceId) || (instanceId in strangers && !waiting.has(instanceId)),
  );
  const abandoned = abandonedSlots(strangers, waiting, after, place, nowMs);
  const fenced = new Set(await fenceClaims(context, place, refsOf(abandoned), after));
  const isOver = ({ instanceId }: InstanceItem) => !abandoned.includes(instanceId) || fenced.has(instanceId);
  await handOff(context, place, await withPresentTokens(context, ended.filter(isOver)), holders);
  for (const record of after.values()) {
    // It has moved, and whoever moved it died before its launch was sent.
    const moved = record.instanceId in strangers && record.location !== place.location;
    if (moved) await launchElsewhere(context, { ...record, ...place }, record.location);
  }
  const unused = [...fenced].filter((id) => !isClosed(after.get(id)?.status ?? 'Planned'));
  const leaving = Object.keys(strangers).filter((id) => isLeaving(after.get(id), machines.get(id)));
  await freeSlots(
    context,
    place,
    [...unused, ...leaving].map((id) => ({ instanceId: id, startMs: holders[id] })),
  );
  await failInstances(
    context,
    place,
    found.flatMap(({ record, finding }) =>
      finding.action === 'end-attempt' ? [{ record, failure: finding.failure }] : [],
    ),
  );
  for (const fleetId of fleetsThatLost(changes))
    await stopWhenDecided(context.store, await context.layout(fleetId));
  for (const fleetId of fleetsThatRecovered(changes))
    await reviewFleet(context.store, await context.layout(fleetId));
  const adopted = findings.flatMap(({ record, finding }) =>
    finding.action === 'adopt' ? [{ record, machine: finding.machine }] : [],
  );
  const running = await recordRunning(context, place, adopted);
  for (const { record, machine } of adopted) {
    if (!running.has(record.instanceId)) await adopt(context, place, record, machine);
  }
  const isRemoving = await removeMachines(
    context,
    place,
    opened,
    findings.flatMap(({ finding }) => (finding.action === 'terminate' ? [finding.backendId] : [])),
  );
  return {
    left:
      [...after.values()].filter(({ status }) => isTransitional(status)).length +
      waiting.size +
      abandoned.filter((id) => !fenced.has(id)).length,
    gone: changes.flatMap(({ record: { instanceId }, to }) =>
      isClosed(to) && written.has(instanceId) ? [instanceId] : [],
    ),
    isRemoving,
  };
}

function refsOf(ids: readonly string[]): InstanceRef[] {
  return ids.map(parseInstanceId).filter((ref) => ref !== undefined);
}

/** What failed in a location where another may do better is not lost yet when it is gone. */
async function changeOf(
  context: WorkerContext,
  record: InstanceItem,
  { to, fields, clears }: Extract<Finding, { action: 'change' }>,
): Promise<StatusChange> {
  const failsHere =
    record.status === 'Creating' && fields.closeAs === 'Failed' && fields.failure !== undefined;
  const again = failsHere && (await hasElsewhere(context, record, fields.failure));
  const change = { kind: 'change' as const, record, to, ...(clears ? { clears } : {}) };
  return { ...change, fields: again ? { ...fields, closeAs: 'Planned' } : fields };
}

function fleetsThatLost(changes: readonly StatusChange[]): Set<string> {
  return new Set(changes.flatMap(({ record, fields }) => (fields?.failure ? [record.fleetId] : [])));
}

/** Whether an instance runs again after the cloud could not tell of it. */
const isRecovery = ({ record, to }: StatusChange) => record.status === 'Undefined' && to === 'Running';

function fleetsThatRecovered(changes: readonly StatusChange[]): Set<string> {
  return new Set(changes.filter(isRecovery).map(({ record }) => record.fleetId));
}

type Found = { record: InstanceItem; finding: Finding };

/** A list may leave a machine out; only the cloud's answer about that one machine proves that it is gone. */
async function confirmMissing(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  findings: readonly Found[],
): Promise<Found[]> {
  const asked = findings.flatMap(({ record, finding }) =>
    finding.action === 'confirm' ? [{ record, backendId: finding.backendId }] : [],
  );
  const terms = proofTerms(context.driver, opened.client);
  const answers = await Promise.all(
    asked.map(async ({ record, backendId }): Promise<Found[]> => {
      try {
        const machine = await opened.client.getInstance(place.location, backendId);
        const nowMs = context.store.clock.now();
        const shown = { machine, location: place.location, atMs: nowMs };
        if (isBoundTo(record, shown, terms)) {
          return [{ record, finding: compare(record, machine, nowMs, context.driver.consistencyWindowMs) }];
        }
        // Another machine has its name by now.
        const isCopy = proveMachine(shown, record, terms) === 'copy';
        return isCopy ? [{ record, finding: whenGone(record, context) }] : [];
      } catch (error) {
        if (!(error instanceof DriverError)) throw error;
        if (error.code === 'NotFound') return [{ record, finding: whenGone(record, context) }];
        return [];
      }
    }),
  );
  return answers.flat();
}

function whenGone(record: InstanceItem, { store }: WorkerContext): Finding {
  const nowMs = store.clock.now();
  if (record.status !== 'Creating') return vanished(nowMs);
  const failure = { code: 'Vanished', message: 'gone at the cloud before it ran' };
  return {
    action: 'change',
    to: 'Failed',
    fields: { failure, terminatedAt: new Date(nowMs).toISOString() },
  };
}
