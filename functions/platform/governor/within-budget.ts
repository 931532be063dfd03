import type { Totals } from '../../model/limit-profile.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import type { Refusal } from './budgets.ts';
import { takeConnectionCalls } from './connection-calls.ts';
import type { CreateDecision } from './decide-creates.ts';
import { releaseSlots } from './release-slots.ts';
import { createKey, type GovernedSite } from './site.ts';
import { type SiteState, siteStateSchema } from './site-state.ts';
import type { ReleasedSlot } from './slots.ts';
import { takeBudget } from './take-budget.ts';

/**
 * Names of the totals in messages. Creates per minute and per day need no name, because launches wait for them and do
 * not fail.
 */
const WORDS: Readonly<Record<keyof Totals, string>> = {
  instances: 'instances',
  vcpus: 'vCPUs',
  gpus: 'GPUs',
  memoryGb: 'GB of memory',
};

interface Answered {
  decisions: Map<string, CreateDecision>;
  given: readonly string[];
  newcomers: readonly ReleasedSlot[];
}

/**
 * Takes budget for each permit that was just given: calls of all locations of the connection together, creates of the
 * minute and day, and totals. A launch without budget waits for the next minute or day, or is
 * denied if a total is used up. Its slot is given back, with two exceptions:
 *
 * - The instance had the slot already before this permit. Another worker may be making the launch's call under
 *   that slot.
 * - Another worker has used the new slot in the meantime, which changed the slot's start time.
 */
export async function withinBudget<Answer extends Answered>(
  store: Store<'governor'>,
  site: GovernedSite,
  wanted: readonly WantedCreate[],
  answer: Answer,
): Promise<Answer> {
  const given = new Set(answer.given);
  const asking = wanted
    .filter(({ instanceId }) => given.has(instanceId))
    .map((one) => ({ ...one, isCounted: one.calledAtMs !== undefined }));
  const called = await withinCalls(store, site, asking, answer);
  const { taken, refused } = await takeBudget(store, site, site.location, called.asking);
  const without = [
    ...(called.refused ? [{ refused: called.refused, ids: notAmong(called.asking.map(idOf), asking) }] : []),
    ...(refused ? [{ refused, ids: notAmong(taken, called.asking) }] : []),
  ];
  if (without.length === 0) return answer;
  const decisions = new Map(answer.decisions);
  for (const one of without) {
    const decision = verdictOf(site, one.refused);
    for (const instanceId of one.ids) decisions.set(instanceId, decision);
    const { reason, retryAtMs } = one.refused;
    if (decision.action === 'queue') await rest(store, site, { reason, untilMs: retryAtMs ?? 0 });
  }
  const refusedIds = new Set(without.flatMap(({ ids }) => ids));
  await releaseSlots(
    store,
    site,
    answer.newcomers.filter(({ instanceId }) => refusedIds.has(instanceId)),
  );
  return { ...answer, decisions, given: taken };
}

const idOf = ({ instanceId }: Pick<WantedCreate, 'instanceId'>): string => instanceId;

const notAmong = (ids: readonly string[], all: readonly WantedCreate[]): string[] =>
  all.map(idOf).filter((id) => !ids.includes(id));

/** Takes a call of all locations together for each create call. Launches that share a call take one. */
async function withinCalls<One extends WantedCreate>(
  store: Store<'governor'>,
  site: GovernedSite,
  asking: readonly One[],
  { decisions }: Answered,
): Promise<{ asking: readonly One[]; refused?: Refusal }> {
  const callOf = ({ instanceId }: One): string => {
    const decision = decisions.get(instanceId);
    const isCall = decision?.action === 'allow' || decision?.action === 'scheduleAt';
    return (isCall ? decision.call : undefined) ?? instanceId;
  };
  const calls = [...Map.groupBy(asking, callOf).values()];
  const { granted, retryAtMs } = await takeConnectionCalls(store, site, 'create', calls.length);
  if (retryAtMs === undefined) return { asking };
  return { asking: calls.slice(0, granted).flat(), refused: { reason: 'connectionCalls', retryAtMs } };
}

/**
 * Returns the decision about launches without budget: they are queued if the budget refills with time, and denied if a
 * total is used up.
 */
function verdictOf({ limits }: GovernedSite, { reason, retryAtMs }: Refusal): CreateDecision {
  if (retryAtMs !== undefined) return { action: 'queue', why: 'budget' };
  switch (reason) {
    case 'connectionCalls':
    case 'createsPerMinute':
    case 'createsPerDay':
      return { action: 'queue', why: 'budget' };
    case 'instances':
    case 'vcpus':
    case 'gpus':
    case 'memoryGb': {
      const message = `the connection has reached its limit of ${limits.totals?.[reason]} ${WORDS[reason]}`;
      return { action: 'deny', failure: { code: 'LimitReached', message } };
    }
  }
}

/** Records the time until which the budget is used up. No launch of the site asks for budget before that time. */
async function rest(
  store: Store<'governor'>,
  site: GovernedSite,
  budget: NonNullable<SiteState['budget']>,
): Promise<void> {
  await updateVersioned<SiteState, void>(store, createKey(site), siteStateSchema, (current) => ({
    state: current ? { ...current, budget } : undefined,
    answer: undefined,
  }));
}
