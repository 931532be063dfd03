import { has, type MarketFault } from '../../drivers/contract/capabilities.ts';
import type { CloudClient } from '../../drivers/contract/driver.ts';
import type { FieldError } from '../../model/field-error.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import { choicesAt, marketsOf } from '../../platform/placement/choose-type.ts';

/** Returns true if the node group's machines may be in a market that the cloud has to be asked about. */
export const hasMarkets = (group: Pick<NodeGroup, 'markets'>): boolean =>
  marketsOf(group).some((market) => market !== 'on-demand');

/** A node group, with the JSON pointer of it in the request. */
export interface PointedGroup {
  pointer: string;
  group: NodeGroup;
}

/**
 * Asks the cloud what is wrong with the markets of a node group.
 *
 * @throws DriverError if the cloud does not answer
 */
export async function marketErrors(
  client: CloudClient,
  location: string,
  { pointer, group }: PointedGroup,
): Promise<FieldError[]> {
  if (!has(client, 'markets') || !hasMarkets(group)) return [];
  const markets = marketsOf(group);
  const types = new Set(choicesAt(group, location).map(({ type }) => type.name));
  const faults = await client.verifyMarkets(location, {
    markets,
    instanceTypes: [...types],
    ...(group.reservationId === undefined ? {} : { reservationId: group.reservationId }),
  });
  return faults
    .filter((fault) => !isElsewhere(fault, group))
    .map(({ at, code, message }) => ({
      pointer: `${pointer}/${at === 'reservationId' ? at : `markets/${at}`}`,
      code,
      message,
    }));
}

/** Returns true if the reservation may be at another location of the node group. A launch here goes to the next market. */
const isElsewhere = ({ code }: MarketFault, { locations }: Pick<NodeGroup, 'locations'>): boolean =>
  code === 'unknown-reservation' && locations.length > 1;
