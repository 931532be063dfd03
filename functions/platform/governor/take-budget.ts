import * as z from 'zod';
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

export interface BudgetedConnection {
  connectionKey: string;
  limits: LimitProfile;
}

/**
 * Takes budget for as many of the wanted instances, in their order, as the connection's limits allow. The limits are
 * creates per minute, creates per day, and totals. If the connection has none of them, all instances may be launched.
 *
 * A repeated request of budget for an instance takes nothing more while the instance has a reservation. The reservation
 * ends when a poll has counted the instance, when the reservation is given back, or three minutes after the latest
 * request.
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
 * Records a location's usage, which a poll has counted over all instances whose record is not closed.
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
 * Gives back the reservations of launches that were never made, or whose machines no longer exist. These launches stay
 * counted as creates of the minute and of the day.
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
