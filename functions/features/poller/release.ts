import { parseInstanceId } from '../../model/identifiers.ts';
import { noteFirstRun, reopenQuotas } from '../../platform/governor/create-feedback.ts';
import { permitCreates } from '../../platform/governor/permit-creates.ts';
import { RENEW_SLOT_MS } from '../../platform/governor/slots.ts';
import { returnBudget } from '../../platform/governor/take-budget.ts';
import { governed } from '../../platform/worker/context.ts';
import { endAwait } from '../fleets/await-launches.ts';
import { launchElsewhere, sendLaunch } from '../instances/attempt-elsewhere.ts';
import { fenceClaims } from '../instances/fence-claims.ts';
import { outcomeOf } from '../instances/next-step.ts';
import { freeSlotsOf } from '../instances/outcomes.ts';
import { freeSlots } from '../launch-queue/free-slots.ts';
import type { Applied } from './apply-changes.ts';
import { countForBudget } from './count-for-budget.ts';
import { type SlotDecision, unusedSlots } from './decide-slots.ts';
import type { Observed, Poll } from './poll.ts';

/**
 * Gives back slots that are no longer needed. Fences the claim before it gives back an abandoned slot, so that a slow worker can no longer write the
 * claim.
 *
 * @returns instance ids of the abandoned slots whose claims were fenced
 */
export async function releaseSlotsOf(
  { context, site }: Poll,
  { holders }: Observed,
  applied: Applied,
  decision: SlotDecision,
): Promise<Set<string>> {
  const { abandoned, ended, moved, waiting } = decision;
  const refs = abandoned.map(parseInstanceId).filter((ref) => ref !== undefined);
  const fenced = new Set(await fenceClaims(context, site, refs, applied.after));
  const isOver = (id: string) => !abandoned.includes(id) || fenced.has(id);
  const over = ended.filter(({ instanceId }) => isOver(instanceId));
  // A worker that wrote the outcomes of these instances died before it looked whether they were the last.
  const known = over.filter((one) => !applied.written.has(one.instanceId) && outcomeOf(one) !== undefined);
  for (const fleetId of new Set(known.map((one) => one.fleetId)))
    await endAwait(context, { fleetId, ...site }, []);
  await freeSlotsOf(context, over, { held: holders, at: site });
  for (const record of moved) await launchElsewhere(context, { ...record, ...site }, record.location);
  for (const record of waiting.filter(({ instanceId }) => fenced.has(instanceId)))
    await sendLaunch(context, record, record.location);
  const unused = unusedSlots(applied, decision, fenced);
  await freeSlots(
    context,
    site,
    unused.map((instanceId) => ({ instanceId, startMs: holders[instanceId] })),
  );
  return fenced;
}

/** Reports to the governor what the poll saw: freed quota and budget, the first running machine, live instances. */
export async function tellGovernor(
  poll: Poll,
  { snapshot, state, holders, machines }: Observed,
  { gone }: Applied,
  running: ReadonlySet<string>,
): Promise<void> {
  const { context, site, opened } = poll;
  const { store } = context;
  const governedSite = governed(site, opened);
  if (gone.length > 0 && Object.keys(state?.closed ?? {}).length > 0) await reopenQuotas(store, governedSite);
  await returnBudget(store, governedSite, gone);
  const live = snapshot.entries.filter(({ siteSk }) => !gone.includes(siteSk));
  if (snapshot.isFull) await countForBudget(context, site, opened, live, snapshot.seenAtMs, machines);
  if (opened.limits.pacing === 'all-at-once' && state?.ranAtMs === undefined && running.size > 0)
    await noteFirstRun(store, governedSite);
  // If the cloud creates an instance slowly, renew its slot while the cloud shows the instance in Creating.
  const renewed = Object.entries(holders).filter(
    ([id, sinceMs]) =>
      sinceMs + RENEW_SLOT_MS < snapshot.seenAtMs &&
      machines.get(id)?.some(({ status }) => status === 'Creating'),
  );
  if (renewed.length > 0)
    await permitCreates(store, governedSite, [], { renewed: Object.fromEntries(renewed) });
}
