import type { CloudInstance } from '../drivers/driver.ts';
import { type InstanceRef, parseInstanceId } from '../model/identifiers.ts';
import { fleetOfResource } from '../networks/names.ts';
import { type InstanceItem, readInstances, readPlaceEntries } from '../store/instances.ts';
import { readNetworks } from '../store/networks.ts';
import type { PlaceRef, WorkerContext } from '../worker/context.ts';
import { type Asked, classifyMachine, classifyResource, isExpected, type Verdict } from './classify.ts';
import type { Subject } from './findings.ts';
import type { PlaceList } from './list-place.ts';

/** Something that a cloud shows, and whether anything claims it. */
export interface Judged {
  subject: Subject;
  verdict: Verdict;
  machine?: CloudInstance;
}

export interface Judgement {
  shown: Judged[];
  /** Records that are bound to a machine that the cloud does not show. */
  missing: InstanceItem[];
  /** By instance id: those that were read, for `shown`, `missing` or by `further`. */
  records: ReadonlyMap<string, InstanceItem>;
}

/**
 * Holds the records against what a cloud showed before they are read here. What the index agrees with is claimed;
 * everything else is decided by the record itself, read strongly.
 *
 * @param further instance ids whose records are wanted besides
 */
export async function judgePlace(
  context: WorkerContext,
  place: PlaceRef,
  { atMs, machines, resources }: PlaceList,
  further: readonly string[],
): Promise<Judgement> {
  const asked: Asked = { ...place, atMs, consistencyWindowMs: context.driver.consistencyWindowMs };
  const entries = await readPlaceEntries(context.store, place.connectionKey, place.location);
  const bound = new Map(entries.map(({ placeSk, backendId }) => [placeSk, backendId]));
  const isAgreed = ({ instanceId, backendId }: CloudInstance) =>
    instanceId !== undefined && bound.get(instanceId) === backendId;
  const shownIds = new Set(machines.map(({ backendId }) => backendId));
  const absent = entries.filter(({ backendId }) => backendId !== undefined && !shownIds.has(backendId));
  const records = await readInstances(
    context.store,
    [
      ...machines.filter((machine) => !isAgreed(machine)).map(({ instanceId }) => instanceId ?? ''),
      ...absent.map(({ placeSk }) => placeSk),
      ...further,
    ]
      .map(parseInstanceId)
      .filter((ref): ref is InstanceRef => ref !== undefined),
  );
  const judgedMachines = machines.map((machine): Judged => {
    const { backendId, instanceId, launchToken } = machine;
    const record = instanceId === undefined ? undefined : records.get(instanceId);
    const fleetId = parseInstanceId(instanceId ?? '')?.fleetId;
    return {
      subject: {
        kind: 'instance',
        backendId,
        ...(instanceId === undefined ? {} : { instanceId }),
        ...(launchToken === undefined ? {} : { launchToken }),
        ...(fleetId === undefined ? {} : { fleetId }),
      },
      verdict: isAgreed(machine) ? { claimed: true } : classifyMachine(machine, record, asked),
      machine,
    };
  });
  return {
    shown: [...judgedMachines, ...(await judgeResources(context, place, resources))],
    missing: absent
      .map(({ placeSk }) => records.get(placeSk))
      .filter((record) => record !== undefined)
      .filter((record) => !shownIds.has(record.backendId ?? '') && isExpected(record, asked)),
    records,
  };
}

async function judgeResources(
  context: WorkerContext,
  place: PlaceRef,
  resources: PlaceList['resources'],
): Promise<Judged[]> {
  const byFleet = Map.groupBy(resources, ({ name }) => fleetOfResource(name));
  const judged = await Promise.all(
    [...byFleet].map(async ([fleetId, members]) => {
      const records = fleetId === undefined ? [] : await readNetworks(context.store, { fleetId, ...place });
      return members.map((resource): Judged => {
        const { kind, backendId, name } = resource;
        return {
          subject: { kind, backendId, name, ...(fleetId === undefined ? {} : { fleetId }) },
          verdict: classifyResource(resource, records),
        };
      });
    }),
  );
  return judged.flat();
}
