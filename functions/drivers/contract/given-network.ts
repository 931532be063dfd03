import type { GivenNetwork } from '../../model/network-choice.ts';
import type { NetworkFault } from './capabilities.ts';

/** A given subnet, and where it stands in the given network. */
export interface GivenSubnet {
  pointer: string;
  id: string;
  /** The zone under which the subnet is given. Absent: the subnets are given as a list. */
  zone?: string;
}

/** Returns the given subnets; empty if none is given. */
export function givenSubnets({ subnetIds = [] }: GivenNetwork): GivenSubnet[] {
  if (Array.isArray(subnetIds)) return subnetIds.map((id, at) => ({ pointer: `/subnetIds/${at}`, id }));
  return Object.entries(subnetIds).map(([zone, id]) => ({
    pointer: `/subnetIds/${escaped(zone)}`,
    id,
    zone,
  }));
}

const escaped = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');

/** Returns the given security groups, each with the place where it stands in the given network. */
export const givenGroups = ({ securityGroupIds }: GivenNetwork): { pointer: string; id: string }[] =>
  securityGroupIds.map((id, at) => ({ pointer: `/securityGroupIds/${at}`, id }));

/** A fault of a resource that this deployment made: it is removed with the fleet that it was made for. */
export const madeForAFleet = (pointer: string, what: string): NetworkFault => ({
  pointer,
  code: 'made-for-a-fleet',
  message: `${what} was made by this deployment, which removes it when its fleet is removed: give one that you made yourself`,
});

/** The fault of subnets that are not given in the form that the cloud needs. */
export const subnetsMisfit = (message: string): NetworkFault => ({
  pointer: '/subnetIds',
  code: 'subnets-misfit',
  message,
});
