import { DriverError } from '../contract/errors.ts';

/** The largest and the smallest number of prefix bits that EC2 allows for networks and subnets. */
const LARGEST_PREFIX = 28;
const SMALLEST_PREFIX = 16;
/**
 * Number of bits that select one of a network's eight equal parts. The number of parts does not depend on the region's
 * number of zones, so that a part is left for a zone that AWS adds later.
 */
const PARTS_BITS = 3;

const CIDR = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/**
 * Returns the address ranges of a network's subnets: eight equal parts, or fewer if eight parts would be too small for
 * EC2.
 *
 * @throws DriverError InvalidRequest if EC2 does not allow a network with this address range
 */
export function subnetCidrs(cidr: string): string[] {
  const [, ...numbers] = CIDR.exec(cidr) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, prefix = 0] = numbers.map(Number);
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  const isValid =
    Math.max(a, b, c, d) < 256 &&
    prefix >= SMALLEST_PREFIX &&
    prefix <= LARGEST_PREFIX &&
    address % 2 ** (32 - prefix) === 0;
  if (!isValid) {
    throw new DriverError(
      'InvalidRequest',
      `${cidr} cannot be an EC2 network: give an IPv4 CIDR from /16 to /28`,
    );
  }
  const bits = Math.min(PARTS_BITS, LARGEST_PREFIX - prefix);
  const size = 2 ** (32 - prefix - bits);
  return Array.from({ length: 2 ** bits }, (_, part) => `${dotted(address + part * size)}/${prefix + bits}`);
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
