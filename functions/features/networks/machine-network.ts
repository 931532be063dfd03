import type { EnsuredNetwork } from '../../drivers/contract/driver.ts';
import { networkOfGiven, type SiteNetwork } from '../../model/network-choice.ts';
import { sameSite } from '../../platform/placement/lay-out.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';

/** The network of a fleet's machines at a site: one that was made for the fleet, or one that the user has given. */
export interface MachineNetwork extends EnsuredNetwork {
  /** The security groups that the user has given. Absent: the fleet has security groups of its own. */
  securityGroupIds?: readonly string[];
}

/** Returns what the spec of the fleet says of the network at a site. */
export async function siteNetwork(
  { layout }: Pick<WorkerContext, 'layout'>,
  fleetId: string,
  site: SiteRef,
): Promise<SiteNetwork> {
  const { placements } = await layout(fleetId);
  const placement = placements.find((one) => sameSite(one, site));
  if (!placement) throw new RangeError(`fleet ${fleetId} has no placement at ${site.location}`);
  return placement.network;
}

/**
 * Returns the network of the machines that a fleet launches at a site in a round; undefined until everything that they
 * need is Ready there.
 */
export async function machineNetwork(
  context: WorkerContext,
  fleetId: string,
  site: SiteRef,
  round: number,
): Promise<MachineNetwork | undefined> {
  const ready = await context.networks(fleetId, site, round);
  if (ready.length === 0) return undefined;
  const chosen = await siteNetwork(context, fleetId, site);
  if (chosen.mode === 'existing')
    return { ...networkOfGiven(chosen.given), securityGroupIds: [...new Set(chosen.given.securityGroupIds)] };
  const network = ready.find(({ kind }) => kind === 'network');
  if (network?.backendId === undefined) return undefined;
  const { backendId, subnetBackendId, zones } = network;
  return {
    backendId,
    ...(subnetBackendId === undefined ? {} : { subnetBackendId }),
    ...(zones === undefined ? {} : { zones }),
  };
}
