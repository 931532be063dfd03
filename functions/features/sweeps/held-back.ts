import { DEFAULT_ORPHAN_POLICY, type HoldReason, isClosedOrphan } from '../../model/orphan.ts';
import type { OrphanItem } from '../../platform/store/orphans.ts';
import {
  emptyHold,
  type HoldItem,
  type HoldState,
  readHold,
  updateHold,
} from '../../platform/store/sweep-holds.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { nextState } from './finding-state.ts';
import { heldEverywhere } from './held-everywhere.ts';
import type { Judged } from './judged.ts';
import { admit, counts, mostPerDay, type Removal } from './sweep-cap.ts';
import { tellHold } from './tell-hold.ts';

/**
 * Returns the reason why a machine or network resource may not be removed now; undefined if it may be
 * removed.
 */
export type HeldBack = (subject: Pick<OrphanItem, 'kind' | 'backendId'>) => HoldReason | undefined;

/**
 * Decides which removals of a sweep are admitted. Returns a function that gives, for each machine or network
 * resource, the reason why its removal is held back. The caller has to call this before it writes findings. A
 * dry run writes nothing, and returns what would be held back.
 *
 * @param shown machines and network resources that the cloud shows, each with its stored finding
 * @param nowMs time that the sweep uses for all its decisions
 */
export async function heldBack(
  context: WorkerContext,
  site: SiteRef,
  { connection }: OpenConnection,
  shown: readonly (Judged & { known: OrphanItem | undefined })[],
  { nowMs, dryRun }: { nowMs: number; dryRun: boolean },
): Promise<HeldBack> {
  const everywhere = await heldEverywhere(context, site, connection, dryRun);
  if (everywhere) return () => everywhere;
  const policy = connection.orphans ?? DEFAULT_ORPHAN_POLICY;
  const wanted = shown.flatMap(({ subject, verdict, known }): Removal[] => {
    if (verdict.claimed || !known || isClosedOrphan(known.state) || !counts(subject.kind, verdict.reason))
      return [];
    const isAskedFor = known.state === 'Terminating';
    if (!isAskedFor && nextState(known, verdict, policy, nowMs) !== 'Terminating') return [];
    return [{ backendId: subject.backendId, firstSeenAtMs: Date.parse(known.firstSeenAt), isAskedFor }];
  });
  const ours = shown.filter(({ subject, verdict }) => subject.kind === 'instance' && verdict.claimed).length;
  const { admitted, hold } = await admitWanted(context, site, wanted, mostPerDay(ours), dryRun);
  if (hold && !dryRun) await tellHold(context, connection, site, hold);
  const mayWait = ({ kind }: Pick<OrphanItem, 'kind'>) => kind === 'instance' || kind === 'volume';
  const waiting = new Set(wanted.map(({ backendId }) => backendId).filter((id) => !admitted.has(id)));
  return (one) => (mayWait(one) && waiting.has(one.backendId) ? hold?.because : undefined);
}

async function admitWanted(
  { store }: WorkerContext,
  site: SiteRef,
  wanted: readonly Removal[],
  most: number,
  dryRun: boolean,
): Promise<{ admitted: ReadonlySet<string>; hold: HoldState | undefined }> {
  const decide = (item: HoldItem) => admit(item, wanted, most, store.clock.now());
  if (dryRun) return decide((await readHold(store, site)) ?? emptyHold(site)).answer;
  return await updateHold(store, site, decide);
}
