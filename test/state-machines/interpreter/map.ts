import * as z from 'zod';
import type { Json, MapState, StateGraph } from './definition.ts';
import { CancelledError } from './errors.ts';
import { fill, fillAs } from './expressions.ts';
import type { Left } from './recovery.ts';
import { contextOf, type Run, type Visit } from './run.ts';

/**
 * Maximum number of iterations of an inline Map that AWS runs at the same time, even if MaxConcurrency is
 * higher.
 */
export const MAX_INLINE_CONCURRENCY = 40;

const itemsSchema = z.array(z.json());
const concurrencySchema = z.int().nonnegative();

/**
 * Runs the item processor of a Map for one item. `outer` is the context object that all states of the item
 * share. That object contains the item, and has no `State` and no `Task`.
 */
export type Walk = (graph: StateGraph, input: Json, run: Run, outer: Record<string, Json>) => Promise<Json>;

/**
 * Runs one attempt of a Map: runs the item processor for all items, and then computes the output. If an item
 * fails, the running items are cancelled and no further item starts.
 */
export async function attemptMap(state: MapState, visit: Visit, walk: Walk): Promise<Left> {
  const { run, name, input } = visit;
  const { history } = run;
  const states = { input, context: contextOf(visit) };
  const items = await fillAs(itemsSchema, 'Items', state.Items, states);
  history.carry(`items of ${name}`, items);
  const asked = await fillAs(concurrencySchema, 'MaxConcurrency', state.MaxConcurrency, states);
  const concurrency = Math.min(asked || MAX_INLINE_CONCURRENCY, MAX_INLINE_CONCURRENCY);
  history.add('MapStateStarted');

  const { cancellation, release } = run.cancellation.child();
  const within: Run = { ...run, cancellation };
  const walkIn = (input: Json, outer: Record<string, Json>) =>
    walk(state.ItemProcessor, input, within, outer);
  const results: Json[] = new Array(items.length).fill(null);
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      if (cancellation.cancelled) throw new CancelledError();
      const at = next;
      next += 1;
      results[at] = await runItem(state, visit, walkIn, at, items[at] ?? null);
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(concurrency, items.length) }, () =>
      worker().catch((error: unknown) => {
        failures.push(error);
        cancellation.cancel();
      }),
    ),
  );
  release();
  if (failures.length > 0) {
    const [first] = failures;
    if (!(first instanceof CancelledError)) history.add('MapStateFailed');
    throw first;
  }
  history.add('MapStateSucceeded');
  const result = history.carry(`results of ${name}`, results);
  const output = state.Output === undefined ? result : await fill(state.Output, { ...states, result });
  return { output, next: state.Next };
}

async function runItem(
  state: MapState,
  visit: Visit,
  walk: (input: Json, outer: Record<string, Json>) => Promise<Json>,
  index: number,
  value: Json,
): Promise<Json> {
  const { history } = visit.run;
  history.add('MapIterationStarted');
  try {
    const map = { Map: { Item: { Index: index, Value: value } } };
    const context = contextOf(visit, map);
    const input =
      state.ItemSelector === undefined
        ? value
        : await fill(state.ItemSelector, { input: visit.input, context });
    const output = await walk(input, { ...visit.outer, ...map });
    history.add('MapIterationSucceeded');
    return output;
  } catch (error) {
    history.add(error instanceof CancelledError ? 'MapIterationAborted' : 'MapIterationFailed');
    throw error;
  }
}
