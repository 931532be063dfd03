import * as z from 'zod';

/** Number of bits of a block: the part of an address pool that one shared network gets. */
export const BLOCK_BITS = 16;
/** Smallest range that a shared network may have. EC2 allows no smaller one. */
const MOST_BITS = 28;

/** A range of IPv4 addresses. `first` is its first address as a number. */
interface AddressRange {
  first: number;
  bits: number;
}

/** Reads a CIDR. @returns undefined if the text is no IPv4 CIDR, or its address has bits beyond the prefix */
function parseCidr(cidr: string): AddressRange | undefined {
  if (!z.cidrv4().safeParse(cidr).success) return undefined;
  const [address = '', bits = ''] = cidr.split('/');
  const first = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const range = { first, bits: Number(bits) };
  return first % sizeOf(range) === 0 ? range : undefined;
}

const sizeOf = ({ bits }: AddressRange): number => 2 ** (32 - bits);

/** Reads a CIDR that was checked before. @throws RangeError if it is no CIDR */
function rangeOf(cidr: string): AddressRange {
  const range = parseCidr(cidr);
  if (!range) throw new RangeError(`${cidr} is not an IPv4 CIDR`);
  return range;
}

/** The CIDR of one shared network: a /16, or a part of one, so that it lies in exactly one block. */
export const networkCidrSchema = z.string().refine(
  (cidr) => {
    const range = parseCidr(cidr);
    return range !== undefined && range.bits >= BLOCK_BITS && range.bits <= MOST_BITS;
  },
  {
    message: `must be an IPv4 CIDR from /${BLOCK_BITS} to /${MOST_BITS} whose address is the first of its range, such as 10.20.0.0/16`,
    params: { code: 'invalid-cidr' },
  },
);

/** The pool from which shared networks get their blocks: a CIDR of at least one block. */
export const addressPoolSchema = z.string().refine(
  (cidr) => {
    const range = parseCidr(cidr);
    return range !== undefined && range.bits >= 8 && range.bits <= BLOCK_BITS;
  },
  {
    message: `must be an IPv4 CIDR from /8 to /${BLOCK_BITS} whose address is the first of its range, such as 10.0.0.0/8`,
    params: { code: 'invalid-cidr' },
  },
);

export function cidrsOverlap(one: string, other: string): boolean {
  const [a, b] = [rangeOf(one), rangeOf(other)];
  return a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);
}

/** Returns the block that contains a network's range, as the CIDR of the block. */
export function blockOf(cidr: string): string {
  const { first } = rangeOf(cidr);
  return blockCidr(Math.floor(first / 2 ** BLOCK_BITS));
}

/** Lists the blocks of a pool, in order of their addresses. */
export function blocksOfPool(pool: string): string[] {
  const range = rangeOf(pool);
  const start = range.first / 2 ** BLOCK_BITS;
  return Array.from({ length: 2 ** (BLOCK_BITS - range.bits) }, (_, at) => blockCidr(start + at));
}

const blockCidr = (number: number): string => `${Math.floor(number / 256)}.${number % 256}.0.0/${BLOCK_BITS}`;
