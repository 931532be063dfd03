import { parseInstanceId } from '../model/identifiers.ts';
import { usage } from '../runtime/usage.ts';

/**
 * Counts what a call of a cloud's client saved: each machine, fleet or location beyond the first that it was for.
 *
 * @param method as the client has it
 * @param asked its first argument
 */
export function countSavings(method: string, asked: unknown, answered: unknown): void {
  if (method === 'createInstances') usage.saved.creates += beyondFirst(itemsOf(asked).length);
  if (method === 'listInstances') {
    const fleets = itemsOf(answered).map(
      (machine) => parseInstanceId(wordOf(machine, 'instanceId'))?.fleetId,
    );
    usage.saved.lists += beyondFirst(new Set(fleets.filter((fleet) => fleet !== undefined)).size);
  }
  if (method === 'listOffersEverywhere') {
    const locations = itemsOf(fieldOf(answered, 'offers')).map((offer) => wordOf(offer, 'location'));
    usage.saved.offers += beyondFirst(new Set(locations).size);
  }
}

const beyondFirst = (count: number): number => Math.max(0, count - 1);

function itemsOf(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [];
}

function fieldOf(item: unknown, name: string): unknown {
  return typeof item === 'object' && item !== null ? Reflect.get(item, name) : undefined;
}

function wordOf(item: unknown, name: string): string {
  const value = fieldOf(item, name);
  return typeof value === 'string' ? value : '';
}
