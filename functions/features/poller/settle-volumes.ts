import pLimit from 'p-limit';
import { type CloudVolume, has } from '../../drivers/contract/capabilities.ts';
import { DriverError, type DriverErrorCode } from '../../drivers/contract/errors.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { isClosed } from '../../model/status.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import { timeLeftMs, type WorkerContext } from '../../platform/worker/context.ts';
import { keepVolumes } from '../volumes/keep-volumes.ts';
import { fateOf, isKept, mayLeaveVolumes } from '../volumes/volume-fate.ts';
import type { Applied } from './apply-changes.ts';
import type { Decided } from './decide-changes.ts';
import type { Poll } from './poll.ts';
import { dueRemovals, type Removal, RemovalTries } from './stuck-removals.ts';

/**
 * Maximum time that a call about volumes waits for its permit, in ms. If no permit comes in this time, a later poll makes
 * the call.
 */
const PERMIT_WAIT_MS = 4_000;
const CONCURRENT_CALLS = 10;
/** Errors that say nothing about the volumes. A later poll makes the call again. */
const PASSING: ReadonlySet<DriverErrorCode> = new Set(['NoPermit', 'Throttled', 'Unavailable']);

/** A record whose machine is gone, and whose volumes may be left. */
interface Concerned {
  record: InstanceItem;
  group: NodeGroup;
}

/**
 * Settles the volumes of machines that are gone, before their records are closed. Records the volumes that are kept on
 * purpose, and has the others removed. A record in Terminating stays open while such a volume is left. Any other record
 * is closed; a sweep then finds what is left.
 *
 * @returns the changes and ended attempts that may be written now
 */
export async function settleVolumes(poll: Poll, decided: Decided): Promise<Decided> {
  const concerned = await leavingVolumes(poll.context, [
    ...decided.changes.filter(({ to }) => isClosed(to)).map(({ record }) => record),
    ...decided.endedAttempts.map(({ record }) => record),
  ]);
  if (concerned.length === 0) return decided;
  const held = await settle(poll, concerned);
  const mayClose = ({ record }: { record: InstanceItem }) => !held.has(record.instanceId);
  return {
    ...decided,
    changes: decided.changes.filter((one) => !isClosed(one.to) || mayClose(one)),
    endedAttempts: decided.endedAttempts.filter(mayClose),
  };
}

/** Returns the records that may leave volumes, each with its node group. */
async function leavingVolumes(
  context: WorkerContext,
  records: readonly InstanceItem[],
): Promise<Concerned[]> {
  const concerned = await Promise.all(
    records.map(async (record) => {
      const group = groupAt((await context.layout(record.fleetId)).placements, record.index)?.group;
      return group && mayLeaveVolumes(group, context.driver) ? [{ record, group }] : [];
    }),
  );
  return concerned.flat();
}

/** Keeps and removes volumes. @returns the ids of records in Terminating that must stay open */
async function settle(poll: Poll, concerned: readonly Concerned[]): Promise<ReadonlySet<string>> {
  const { context, site, opened } = poll;
  const open = concerned.filter(({ record }) => record.status === 'Terminating');
  const openIds = new Set(open.map(({ record }) => record.instanceId));
  const asRemovals = concerned.map(({ record }): Removal => ({ record, backendId: '' }));
  const dueIds = new Set((await dueRemovals(context, asRemovals)).map(({ record }) => record.instanceId));
  const due = concerned.filter(
    ({ record }) => dueIds.has(record.instanceId) || !openIds.has(record.instanceId),
  );
  if (due.length === 0) return openIds;
  const tries = new RemovalTries(context, site, open);
  const volumes = await listVolumes(poll, due, tries);
  if (!volumes) return openIds;
  const fates = due.flatMap(({ record, group }) =>
    volumes
      .filter(({ instanceId }) => instanceId === record.instanceId)
      .map((volume) => ({ record, volume, fate: fateOf(volume, record, group, context.driver) })),
  );
  await keepVolumes(
    context,
    opened,
    fates.filter(({ fate }) => fate === 'keep'),
    'Kept',
  );
  const left = fates.filter(({ fate }) => fate === 'remove');
  await removeVolumes(poll, left, tries);
  const waiting = concerned.filter((one) => !due.includes(one));
  const held = [...waiting, ...left].map(({ record }) => record.instanceId);
  return new Set(held.filter((id) => openIds.has(id)));
}

/** Lists the site's volumes. @returns undefined if the cloud does not answer now */
async function listVolumes(
  { context, site, opened }: Poll,
  due: readonly Concerned[],
  tries: RemovalTries,
): Promise<CloudVolume[] | undefined> {
  const client = opened.onTerms({ waitMs: permitWaitMs(context) });
  if (!has(client, 'volumes')) return [];
  try {
    return await client.listVolumes(site.location);
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('the volumes could not be listed', {
      ...site,
      code: error.code,
      message: error.message,
    });
    if (PASSING.has(error.code)) return undefined;
    for (const { record } of due) if (record.status === 'Terminating') await tries.refused(record, error);
    await tries.summarize();
    return undefined;
  }
}

/** Has volumes removed. What the cloud refuses is recorded, and tried again with a growing delay. */
async function removeVolumes(
  { context, site, opened }: Poll,
  left: readonly { record: InstanceItem; volume: CloudVolume }[],
  tries: RemovalTries,
): Promise<void> {
  const client = opened.onTerms({ waitMs: permitWaitMs(context) });
  if (left.length === 0 || !has(client, 'volumes')) return;
  const wanted = left
    .filter(({ volume }) => !volume.isLeaving)
    .map(({ record, volume }): Removal => ({ record, backendId: volume.backendId }));
  const limit = pLimit(CONCURRENT_CALLS);
  const remove = async ({ record, backendId }: Removal): Promise<void> => {
    try {
      await client.deleteVolume(site.location, backendId);
      if (record.status === 'Terminating') await tries.accepted(record);
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      if (error.code === 'NoPermit') return;
      context.log.warn('a volume could not be removed', {
        backendId,
        code: error.code,
        message: error.message,
      });
      if (error.code !== 'Throttled' && record.status === 'Terminating') await tries.refused(record, error);
    }
  };
  await Promise.all(wanted.map((one) => limit(() => remove(one))));
  await tries.summarize();
}

/**
 * Records the disks that are kept on purpose, when their machines run. From then on, users see them, and sweeps leave
 * them alone. If the cloud does not answer, the next sweep or the removal of the machine records them.
 */
export async function noteKeptDisks(
  { context, site, opened }: Poll,
  { changes }: Pick<Decided, 'changes'>,
  { written }: Pick<Applied, 'written'>,
): Promise<void> {
  const running = changes.filter(({ record, to }) => to === 'Running' && written.has(record.instanceId));
  const concerned = await leavingVolumes(
    context,
    running.filter(({ record }) => record.runningAt === undefined).map(({ record }) => record),
  );
  const keeping = concerned.filter(({ group }) =>
    (group.dataDisks ?? []).some(({ deleteOnTermination }) => !deleteOnTermination),
  );
  const client = opened.onTerms({ waitMs: permitWaitMs(context) });
  if (keeping.length === 0 || !has(client, 'volumes')) return;
  try {
    const volumes = await client.listVolumes(site.location);
    const kept = keeping.flatMap(({ record, group }) => {
      const ran = { ...record, runningAt: record.launchedAt };
      return volumes
        .filter((volume) => volume.instanceId === record.instanceId)
        .filter((volume) => isKept({ volume, location: site.location }, ran, group, context.driver))
        .map((volume) => ({ record, volume }));
    });
    await keepVolumes(context, opened, kept, 'InUse');
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('the kept disks of new machines could not be listed', {
      ...site,
      code: error.code,
      message: error.message,
    });
  }
}

const permitWaitMs = (context: WorkerContext): number => Math.min(PERMIT_WAIT_MS, timeLeftMs(context) / 4);
