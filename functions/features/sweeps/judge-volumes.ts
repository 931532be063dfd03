import type { CloudVolume } from '../../drivers/contract/capabilities.ts';
import { parseInstanceId } from '../../model/identifiers.ts';
import { isClosed } from '../../model/status.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import { readInstances } from '../../platform/store/instances.ts';
import { readVolumes } from '../../platform/store/volumes.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { proofTerms } from '../ownership/prove-machine.ts';
import { type Keeping, keepVolumes } from '../volumes/keep-volumes.ts';
import { type Claimant, classifyVolume } from './classify-volume.ts';
import type { Judged } from './judged.ts';

/**
 * Compares the volumes that a cloud shows at a site with the records. The records are read after the list. A volume with
 * a record of its own is kept on purpose, or a user has requested its removal (`followVolumes` advances the record).
 * Writes such a record for each further volume that is kept on purpose.
 *
 * @param dryRun if true, nothing is written
 */
export async function judgeVolumes(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  volumes: readonly CloudVolume[],
  dryRun: boolean,
): Promise<Judged[]> {
  if (volumes.length === 0) return [];
  const known = await readVolumes(context.store, site.connectionKey, site.location);
  const knownIds = new Set(known.map(({ backendId }) => backendId));
  const unknown = volumes.filter(({ backendId }) => !knownIds.has(backendId));
  const claimants = await claimantsOf(context, unknown);
  const terms = { location: site.location, terms: proofTerms(context.driver, opened.client) };
  const keeping: Keeping[] = [];
  const judged = volumes.map((volume): Judged => {
    const { backendId, instanceId, launchToken } = volume;
    const claimant = claimants.get(instanceId ?? '');
    const fleetId = parseInstanceId(instanceId ?? '')?.fleetId;
    const verdict = classifyVolume(volume, claimant, terms);
    const isKnown = knownIds.has(backendId);
    if (claimant && verdict === 'keep' && !isKnown) keeping.push({ volume, record: claimant.record });
    return {
      subject: {
        kind: 'volume',
        backendId,
        ...(instanceId === undefined ? {} : { instanceId }),
        ...(launchToken === undefined ? {} : { launchToken }),
        ...(fleetId === undefined ? {} : { fleetId }),
      },
      verdict: isKnown || verdict === 'keep' ? { claimed: true } : verdict,
      volume,
    };
  });
  if (!dryRun) {
    const { ended = [], used = [] } = Object.groupBy(keeping, ({ record }) =>
      isClosed(record.status) ? 'ended' : 'used',
    );
    await keepVolumes(context, opened, used, 'InUse');
    await keepVolumes(context, opened, ended, 'Kept');
  }
  return judged;
}

/** Reads the records of the instances whose ids the volumes carry, with their node groups. */
async function claimantsOf(
  context: WorkerContext,
  volumes: readonly CloudVolume[],
): Promise<Map<string, Claimant>> {
  const ids = new Set(volumes.flatMap(({ instanceId }) => instanceId ?? []));
  const refs = [...ids].map(parseInstanceId).filter((ref) => ref !== undefined);
  const records = await readInstances(context.store, refs);
  const claimants = await Promise.all(
    [...records.values()].map(async (record) => {
      const { placements } = await context.layout(record.fleetId);
      return [record.instanceId, { record, group: groupAt(placements, record.index)?.group }] as const;
    }),
  );
  return new Map(claimants);
}
