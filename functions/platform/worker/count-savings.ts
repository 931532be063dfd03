import { usage } from '../runtime/usage.ts';

/**
 * Counts what one call of a cloud client's method saved: the number of machines, fleets or locations that the call
 * covered, minus 1.
 *
 * @param method name of the client's method
 * @param asked the method's first argument
 */
export function countSavings(method: string, asked: unknown, answered: unknown): void {
  if (method === 'createInstances') usage.saved.creates += beyondFirst(itemsOf(asked).length);
  if (method === 'listInstances' || method === 'listInstancesById') {
    const fleets = new Set(itemsOf(answered).map((machine) => fleetOf(wordOf(machine, 'instanceId'))));
    fleets.delete('');
    usage.saved.lists += beyondFirst(fleets.size);
  }
  if (method === 'listOffersEverywhere') {
    const locations = itemsOf(fieldOf(answered, 'offers')).map((offer) => wordOf(offer, 'location'));
    usage.saved.offers += beyondFirst(new Set(locations).size);
  }
}

/**
 * Extracts the fleet's id from an instance id. The id is not checked fully, because one answer may have thousands of
 * ids.
 */
const fleetOf = (instanceId: string): string => instanceId.slice(0, Math.max(0, instanceId.lastIndexOf('-')));

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
