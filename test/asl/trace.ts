import type { DriverMessage } from '../../functions/platform/workflow/messages.ts';
import { isJson, type Json } from '../state-machines/interpreter/definition.ts';
import type { Observation } from './path.ts';

/** Returns JSON in which the keys of all objects are sorted. */
function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}

export function textOf(value: unknown): string {
  if (!isJson(value)) throw new TypeError(`not JSON: ${String(value)}`);
  return JSON.stringify(sorted(value));
}

export function withoutToken(message: DriverMessage): string {
  const { taskToken: _, ...rest } = { taskToken: undefined, ...message };
  return textOf(rest);
}

/** Returns the observation with sorted lists. */
export function sameOrder({ outcome, started, messages, invocations }: Observation): Observation {
  return {
    outcome,
    started: started.toSorted((one, other) =>
      `${one.machine} ${one.name}` < `${other.machine} ${other.name}` ? -1 : 1,
    ),
    messages: messages.toSorted(),
    invocations: invocations.toSorted(),
  };
}

/** Counts texts by a key. */
export function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}
