import type { CloudInstance } from '../../drivers/contract/driver.ts';
import type { InstanceItem } from '../../platform/store/instances.ts';
import type { ClearableField, InstanceFields } from '../../platform/store/transition.ts';

const NAMES = ['publicIp', 'privateIp', 'ipv6'] as const;
type Addresses = Pick<InstanceItem, (typeof NAMES)[number]>;

/** The changes of a record's addresses: addresses to write, and fields to remove. */
export interface AddressChange {
  fields: Pick<InstanceFields, (typeof NAMES)[number]>;
  clears: ClearableField[];
}

/**
 * Returns how a record's addresses have to change to show the addresses of its machine. Pure.
 *
 * - While the machine is stopped, the record has no public address. At a restart, many clouds give another one.
 * - While the machine runs, an answer without any address proves nothing, because clouds report addresses late.
 *   An answer with the private address alone proves that the machine has neither a public address nor one of IPv6.
 * - In any other status, the record keeps the addresses that the answer does not mention.
 */
export function addressChange(
  record: Addresses,
  { status, publicIp, privateIp, ipv6 }: CloudInstance,
): AddressChange {
  const isStopped = status === 'Suspended';
  const told: Addresses = { publicIp: isStopped ? undefined : publicIp, privateIp, ipv6 };
  const isWhole = status === 'Running' && privateIp !== undefined;
  const fields: AddressChange['fields'] = {};
  const clears: ClearableField[] = [];
  for (const name of NAMES) {
    const isGone = isStopped || (name !== 'privateIp' && isWhole);
    if (told[name] !== undefined && told[name] !== record[name]) fields[name] = told[name];
    if (told[name] === undefined && record[name] !== undefined && isGone) clears.push(name);
  }
  return { fields, clears };
}
