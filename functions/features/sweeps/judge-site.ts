import type { CloudInstance } from '../../drivers/contract/driver.ts';
import { type InstanceRef, parseInstanceId } from '../../model/identifiers.ts';
import { isTransitional } from '../../model/status.ts';
import {
  type InstanceItem,
  readInstances,
  readSiteEntries,
  type SiteEntry,
} from '../../platform/store/instances.ts';
import { readNetworkRecords } from '../../platform/store/networks.ts';
import { readShared, wasShared } from '../../platform/store/shared-networks.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { type Returned, type Returning, takeBack } from '../instances/take-back.ts';
import { fleetOfResource } from '../networks/network-names.ts';
import { isSharedName } from '../networks/shared-names.ts';
import { proofTerms } from '../ownership/prove-machine.ts';
import { agrees, machineOf, machinesById } from '../poller/compare.ts';
import { differing } from '../poller/differing.ts';
import { type Asked, classifyMachine, classifyResource, isExpected, type Verdict } from './classify.ts';
import { judgeVolumes } from './judge-volumes.ts';
import type { Judged } from './judged.ts';
import type { SiteList } from './list-site.ts';

export interface Judgement {
  shown: Judged[];
  /** Records that are bound to machines which the cloud does not show. */
  missing: InstanceItem[];
  /**
   * All instance records that `judgeSite` has read, by instance id. Includes the records of its parameter
   * `further`.
   */
  records: ReadonlyMap<string, InstanceItem>;
  /**
   * True if the site's poll loop has work: a record is in transition, or differs from its machine in status,
   * addresses or type. The loop may not run: only stable instances may be there, or the tables may have been restored
   * to an earlier time.
   */
  isBehind: boolean;
}

/**
 * Compares the records of a site with a list of the cloud. If the driver's backend ids are unique, a machine
 * is claimed when the index entry of its instance has the machine's backend id. For each other machine, the
 * instance's record decides.
 *
 * @param further ids of additional instances whose records this function reads and returns
 * @param dryRun if true, nothing is written, and records of vanished machines that have reappeared are not
 *   reopened
 */
export async function judgeSite(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  { atMs, machines, resources, volumes = [] }: SiteList,
  { further, dryRun }: { further: readonly string[]; dryRun: boolean },
): Promise<Judgement> {
  const { consistencyWindowMs } = context.driver;
  const terms = proofTerms(context.driver, opened.client);
  const asked: Asked = { location: site.location, atMs, consistencyWindowMs, terms };
  const entries = await readSiteEntries(context.store, site.connectionKey, site.location);
  const byId = new Map(entries.map((entry) => [entry.siteSk, entry]));
  // If backend ids are names, a copied machine may have the same name as the machine that a record is bound
  // to.
  const isAgreed = ({ instanceId, backendId }: CloudInstance) =>
    terms.backendIds === 'unique' &&
    instanceId !== undefined &&
    byId.get(instanceId)?.backendId === backendId;
  const shownIds = new Set(machines.map(({ backendId }) => backendId));
  const absent = entries.filter(({ backendId }) => backendId !== undefined && !shownIds.has(backendId));
  const records = await readInstances(
    context.store,
    [
      ...machines.filter((machine) => !isAgreed(machine)).map(({ instanceId }) => instanceId ?? ''),
      ...absent.map(({ siteSk }) => siteSk),
      ...further,
    ]
      .map(parseInstanceId)
      .filter((ref): ref is InstanceRef => ref !== undefined),
  );
  const judgedMachines = machines.map((machine): Judged & { machine: CloudInstance } => {
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
  const returning = judgedMachines.flatMap(({ machine, verdict }): Returning[] => {
    const record = records.get(machine.instanceId ?? '');
    return record && !verdict.claimed && verdict.reason === 'returned' ? [{ record, machine }] : [];
  });
  const returned = dryRun ? new Map() : await takeBack(context, site, opened, returning);
  const settled = judgedMachines.map((one) => ({
    ...one,
    verdict: whenReturned(one.verdict, returned.get(one.machine.instanceId ?? '')),
  }));
  return {
    isBehind: await hasWork({ context, site, opened }, entries, { atMs, machines }),
    shown: [
      ...settled,
      ...(await judgeResources(context, site, resources)),
      ...(await judgeVolumes(context, site, opened, volumes, dryRun)),
    ],
    missing: absent
      .map(({ siteSk }) => records.get(siteSk))
      .filter((record) => record !== undefined)
      .filter((record) => !shownIds.has(record.backendId ?? '') && isExpected(record, asked)),
    records,
  };
}

/** Returns true if a record is in transition, or differs from its listed machine in status, addresses or type. */
async function hasWork(
  at: Parameters<typeof differing>[0],
  entries: readonly SiteEntry[],
  { atMs, machines }: Pick<SiteList, 'atMs' | 'machines'>,
): Promise<boolean> {
  if (entries.some(({ status }) => isTransitional(status))) return true;
  const byId = machinesById(machines, entries);
  const shown = entries.flatMap((entry) => {
    const machine = machineOf(entry, byId.get(entry.siteSk) ?? []);
    return entry.backendId !== undefined && machine ? [{ entry, machine }] : [];
  });
  if (shown.some(({ entry, machine }) => !agrees(entry, machine))) return true;
  const ids = shown.map(({ entry }) => entry.siteSk);
  return (await differing(at, ids, byId, atMs)).length > 0;
}

/**
 * Corrects the verdict `returned`, after the attempt to reopen the machine's record. If the record was
 * reopened, the machine is claimed. If the fleet has ended, the reason becomes `ended`. Returns every other
 * verdict unchanged.
 */
function whenReturned(verdict: Verdict, returned: Returned | undefined): Verdict {
  if (verdict.claimed || verdict.reason !== 'returned') return verdict;
  if (returned === 'taken') return { claimed: true };
  return returned === 'ended' ? { claimed: false, reason: 'ended' } : verdict;
}

async function judgeResources(
  context: WorkerContext,
  site: SiteRef,
  resources: SiteList['resources'],
): Promise<Judged[]> {
  const { shared = [], own = [] } = Object.groupBy(resources, ({ name }) =>
    isSharedName(name) ? 'shared' : 'own',
  );
  const byFleet = Map.groupBy(own, ({ name }) => fleetOfResource(name));
  const judged = await Promise.all(
    [...byFleet].map(async ([fleetId, members]) => {
      const records =
        fleetId === undefined ? [] : await readNetworkRecords(context.store, { fleetId, ...site });
      return members.map((resource): Judged => {
        const { kind, backendId, name } = resource;
        return {
          subject: { kind, backendId, name, ...(fleetId === undefined ? {} : { fleetId }) },
          verdict: classifyResource(resource, records),
        };
      });
    }),
  );
  return [...judged.flat(), ...(await judgeShared(context, site, shared))];
}

async function judgeShared(
  { store }: WorkerContext,
  site: SiteRef,
  resources: SiteList['resources'],
): Promise<Judged[]> {
  if (resources.length === 0) return [];
  const items = await readShared(store, site);
  return await Promise.all(
    resources.map(async (resource): Promise<Judged> => {
      const { kind, backendId, name } = resource;
      const record = items.find((one) => one.kind === kind && one.name === name);
      const isGone = record === undefined && (await wasShared(store, site, kind, name));
      return {
        subject: { kind, backendId, name },
        verdict: classifyResource(
          resource,
          record ? [record] : isGone ? [{ kind, name, status: 'Gone' }] : [],
        ),
      };
    }),
  );
}
