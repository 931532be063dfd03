import type { Totals } from '../../model/limit-profile.ts';
import type { WantedCreate } from '../../model/wanted-create.ts';
import type { Store } from '../store/client.ts';
import { updateVersioned } from '../store/versioned.ts';
import type { Refusal } from './budgets.ts';
import type { Verdict } from './decide-creates.ts';
import { createKey, type GovernedPlace } from './place.ts';
import { type PlaceState, placeStateSchema } from './place-state.ts';
import { releaseSlots } from './release-slots.ts';
import type { ReleasedSlot } from './slots.ts';
import { takeBudget } from './take-budget.ts';

/** What a total is called. Totals end only when something is removed; the other budgets are of time, and waiting helps. */
const WORDS: Readonly<Record<keyof Totals, string>> = {
  instances: 'instances',
  vcpus: 'vCPUs',
  gpus: 'GPUs',
  memoryGb: 'GB of memory',
};

interface Answered {
  verdicts: Map<string, Verdict>;
  given: readonly string[];
  newcomers: readonly ReleasedSlot[];
}

/**
 * Takes of the connection's budgets for the permits that were given now. Those that there is nothing left for give the
 * slots back that they were given with them: they wait for the next minute or day, or are refused where a total is used
 * up. Under a slot that was held before, another copy of the launch may be making its call; under one that was given
 * now, too, since the permit was written: then the slot is known by another time, and stays.
 */
export async function withinBudget<Answer extends Answered>(
  store: Store<'governor'>,
  place: GovernedPlace,
  wanted: readonly WantedCreate[],
  answer: Answer,
): Promise<Answer> {
  const given = new Set(answer.given);
  const asking = wanted
    .filter(({ instanceId }) => given.has(instanceId))
    .map((one) => ({ ...one, isCounted: one.calledAtMs !== undefined }));
  const { taken, refused } = await takeBudget(store, place, place.location, asking);
  if (!refused) return answer;
  const verdicts = new Map(answer.verdicts);
  const without = asking.filter(({ instanceId }) => !taken.includes(instanceId));
  const { reason, retryAtMs } = refused;
  const verdict = verdictOf(place, refused);
  for (const { instanceId } of without) verdicts.set(instanceId, verdict);
  if (verdict.say === 'wait') await rest(store, place, { reason, untilMs: retryAtMs ?? 0 });
  const refusedIds = new Set(without.map(({ instanceId }) => instanceId));
  await releaseSlots(
    store,
    place,
    answer.newcomers.filter(({ instanceId }) => refusedIds.has(instanceId)),
  );
  return { ...answer, verdicts, given: taken };
}

/** A budget that has something again at some time is waited for; a total is used up. */
function verdictOf({ limits }: GovernedPlace, { reason, retryAtMs }: Refusal): Verdict {
  if (retryAtMs !== undefined) return { say: 'wait', why: 'budget' };
  switch (reason) {
    case 'createsPerMinute':
    case 'createsPerDay':
      return { say: 'wait', why: 'budget' };
    case 'instances':
    case 'vcpus':
    case 'gpus':
    case 'memoryGb': {
      const message = `the connection's limit of ${limits.totals?.[reason]} ${WORDS[reason]} is reached`;
      return { say: 'no', failure: { code: 'LimitReached', message } };
    }
  }
}

/** Nobody needs to ask the budget again before it has something. */
async function rest(
  store: Store<'governor'>,
  place: GovernedPlace,
  budget: NonNullable<PlaceState['budget']>,
): Promise<void> {
  await updateVersioned<PlaceState, void>(store, createKey(place), placeStateSchema, (current) => ({
    state: current ? { ...current, budget } : undefined,
    answer: undefined,
  }));
}
