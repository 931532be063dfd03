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

/** A connection, with what the cloud allows it. */
export interface BudgetedConnection {
  connectionKey: string;
  limits: LimitProfile;
}

/**
 * Takes of the connection's budgets for as many of the wanted instances, in their order, as there is: creates of this
 * minute and of this day, counted now, and of the totals. A connection without budgets is asked for nothing.
 *
 * Taking again what was taken, and was not seen by a poll or given back since, takes nothing more.
 *
 * @throws Contended when others wrote it every time
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
 * What a poll saw: the instances of a location that have a record and are not gone, whatever their status.
 *
 * @param readAtMs when the poll began to read the records
 * @throws Contended when others wrote it every time; the next poll does the same
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
 * Gives the totals of launches back that were never made, or are gone again; what they took of the minute and of the
 * day is gone.
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
