import { z } from 'zod';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { budgetKey } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { updateVersioned } from '../store/versioned.ts';
import { type BudgetState, type Demand, reservedIds, UNTOUCHED_BUDGET } from './budget-state.ts';
import { type BudgetAnswer, countUsage, giveBack, hasBudget, takeFrom } from './budgets.ts';

const amount = z.number();
export const budgetSchema = z.object({
  minute: z.array(z.tuple([amount, amount])),
  day: z.object({ date: z.string(), taken: amount }),
  usage: z.record(
    z.string(),
    z.object({ instances: amount, vcpus: amount, gpus: amount, memoryGb: amount, seenAtMs: amount }),
  ),
  reserved: z.record(z.string(), z.record(z.string(), z.tuple([amount, amount, amount, amount]))),
}) satisfies z.ZodType<BudgetState>;

/** A connection with its limits. */
export interface BudgetedConnection {
  connectionKey: string;
  limits: LimitProfile;
}

/**
 * Takes from the connection's budgets for as many of the wanted instances, in their order, as the budgets allow. The
 * budgets are creates of this minute and of this day, which are counted now, and the totals. If the connection has no
 * budgets, all instances may be launched.
 *
 * A repeated call for an instance takes nothing more while its reservation lasts: until a poll has counted the
 * instance, or the reservation is given back.
 *
 * @throws Contended if other workers wrote the item at every try
 */
export async function takeBudget(
  store: Store<'governor'>,
  { connectionKey, limits }: BudgetedConnection,
  location: string,
  wanted: readonly Demand[],
): Promise<BudgetAnswer> {
  if (!hasBudget(limits) || wanted.length === 0) {
    return { taken: wanted.map(({ instanceId }) => instanceId) };
  }
  return await updateVersioned<BudgetState, BudgetAnswer>(
    store,
    budgetKey(connectionKey),
    budgetSchema,
    (current = UNTOUCHED_BUDGET) => {
      const { state, answer } = takeFrom(current, limits, location, wanted, store.clock.now());
      return { state: answer.taken.length > 0 ? state : undefined, answer };
    },
  );
}

/**
 * Records a location's usage as a poll saw it: the instances whose record is not closed, in any status.
 *
 * @param readAtMs when the poll began to read the records
 * @throws Contended if other workers wrote the item at every try; the next poll records it again
 */
export async function recordUsage(
  store: Store<'governor'>,
  { connectionKey, limits }: BudgetedConnection,
  location: string,
  live: readonly Demand[],
  readAtMs: number,
): Promise<void> {
  if (!hasBudget(limits)) return;
  await updateVersioned<BudgetState, void>(
    store,
    budgetKey(connectionKey),
    budgetSchema,
    (current = UNTOUCHED_BUDGET) => ({
      state: countUsage(current, location, live, readAtMs, store.clock.now()),
      answer: undefined,
    }),
  );
}

/**
 * Gives back the totals of launches that were never made, or whose machines no longer exist. Their creates of the
 * minute and of the day stay counted.
 */
export async function returnBudget(
  store: Store<'governor'>,
  { connectionKey, limits }: BudgetedConnection,
  instanceIds: readonly string[],
): Promise<void> {
  if (!hasBudget(limits) || instanceIds.length === 0) return;
  await updateVersioned<BudgetState, void>(
    store,
    budgetKey(connectionKey),
    budgetSchema,
    (current = UNTOUCHED_BUDGET) => {
      const reserved = reservedIds(current);
      const isHeld = instanceIds.some((id) => reserved.has(id));
      return { state: isHeld ? giveBack(current, instanceIds) : undefined, answer: undefined };
    },
  );
}
