import type { NodeGroup } from '../../model/fleet.ts';
import { choicesAt, priceOf } from '../../platform/placement/choose-type.ts';
import { microUsdPerHourOf } from '../../platform/placement/machine-price.ts';
import type { RequestError } from './check-words.ts';

/**
 * Returns the most that a fleet may cost, in millionths of a dollar per hour: each machine counts with the highest price of
 * all types, markets and locations that its node group allows. Pure.
 *
 * @returns errors about the node groups for which a price is not known
 */
export function highestPriceOf(
  nodeGroups: readonly NodeGroup[],
): { microUsdPerHour: number } | { errors: RequestError[] } {
  const errors = nodeGroups.flatMap((group, at) => {
    const [unpriced] = group.locations.flatMap((location) => unpricedAt(group, location));
    if (unpriced === undefined) return [];
    const message = `the price of ${unpriced} is not known, and the API key has a cap on what its fleets cost: choose what has a price`;
    return [{ pointer: `/nodeGroups/${at}`, code: 'unpriced', message }];
  });
  if (errors.length > 0) return { errors };
  const highest = (group: NodeGroup): number =>
    Math.max(
      0,
      ...group.locations.flatMap((location) =>
        choicesAt(group, location).map((choice) =>
          microUsdPerHourOf(group, location, priceOf(choice, location)),
        ),
      ),
    );
  return { microUsdPerHour: nodeGroups.reduce((sum, group) => sum + group.size * highest(group), 0) };
}

/** Returns what has no known price at a location, in words. */
function unpricedAt(group: NodeGroup, location: string): string[] {
  const types = choicesAt(group, location)
    .filter((choice) => priceOf(choice, location) === undefined)
    .map(({ type, market }) => `${type.name} (${market}) in ${location}`);
  const disks = group.disksPrices?.[location]?.unpriced ?? 0;
  return [...types, ...(disks > 0 ? [`a disk in ${location}`] : [])];
}
