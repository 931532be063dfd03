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
 * budgets are the creates of this minute, the creates of this day, and the totals. If the connection has no budgets,
 * all instances may be launched.
 *
 * A repeated call for an instance takes nothing more while the instance has a reservation. The reservation ends when a
 * poll has counted the instance, or when it is given back.
 *
 * @throws Contended if other workers changed the item during every attempt
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
 * @param readAtMs time at which the poll began to read the records
 * @throws Contended if other workers changed the item during every attempt; the next poll records the usage again
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
 * Gives back what launches have reserved from the totals, if they were never made or their machines no longer exist.
 * These launches stay counted as creates of the minute and of the day.
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
