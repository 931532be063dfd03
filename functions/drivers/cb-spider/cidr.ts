import { isIPv4 } from 'node:net';
import { DriverError } from '../contract/errors.ts';

const BITS = 32;
/**
 * Number of bits that select one of the equal blocks in a network's upper half. Each zone that a launch names gets one
 * block.
 */
const ZONE_BITS = 3;
export const MOST_ZONES = 2 ** ZONE_BITS;

/**
 * Plans a network's subnets. CB-Spider gives a machine the zone of its subnet. Therefore each zone that a launch names
 * needs its own subnet. The lower half of a network is the subnet for launches that name no zone. The n-th zone of the
 * location gets the n-th eighth of the upper half. With this fixed plan, no call is needed to find free addresses.
 *
 * @throws DriverError InvalidRequest if `cidr` is no IPv4 network, or is too large or too small for this plan
 */
export function subnetCidrs(cidr: string): { lowerHalf: string; ofZone(index: number): string } {
  const [, address = '', prefixText = ''] = /^([0-9.]+)\/([0-9]{1,2})$/.exec(cidr) ?? [];
  const prefix = Number(prefixText);
  if (!isIPv4(address) || prefixText === '' || prefix < 8 || prefix + 1 + ZONE_BITS > 28) {
    throw new DriverError('InvalidRequest', `${cidr} is not an IPv4 CIDR with a prefix of 8 to 24 bits`);
  }
  const base = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (BITS - prefix);
  if (base % size !== 0)
    throw new DriverError('InvalidRequest', `the address of ${cidr} has bits set outside of its prefix`);
  return {
    lowerHalf: `${address}/${prefix + 1}`,
    ofZone: (index) => {
      const start = base + size / 2 + (index * size) / 2 / MOST_ZONES;
      return `${dotted(start)}/${prefix + 1 + ZONE_BITS}`;
    },
  };
}

/** Returns the CIDR of the network that has this lower half. */
export function networkOfLowerHalf(cidr: string): string {
  const [address = '', prefix = ''] = cidr.split('/');
  return `${address}/${Number(prefix) - 1}`;
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
