import type { NamedKey } from '../../model/disk.ts';
import type { GivenMachine, MachineFault } from '../contract/machine-checks.ts';
import type { KeyAnswer } from './answers.ts';

/** What the cloud lists that a user may name for machines. A list that nothing names is not read. */
export interface Prepared {
  keys: readonly KeyAnswer[];
  identities: readonly string[];
  placementGroups: readonly string[];
}

/** Finds what is wrong with the identity, the placement group and the encryption keys of machines. Pure. */
export function findPreparedFaults(
  location: string,
  { identity, placementGroup, encryptionKeys = [] }: GivenMachine,
  { keys, identities, placementGroups }: Prepared,
): MachineFault[] {
  const unknown = (what: string, id: string, known: readonly string[]) =>
    `${location} has no ${what} ${id}; it has: ${known.join(', ') || 'none'}`;
  const faults: MachineFault[] = encryptionKeys.flatMap((key) => keyFault(location, key, keys) ?? []);
  if (identity !== undefined && !identities.includes(identity)) {
    const message = unknown('identity', identity, identities);
    faults.push({ field: 'identity', code: 'unknown-identity', message });
  }
  if (placementGroup !== undefined && !placementGroups.includes(placementGroup)) {
    const message = unknown('placement group', placementGroup, placementGroups);
    faults.push({ field: 'placementGroup', code: 'unknown-placement-group', message });
  }
  return faults;
}

function keyFault(
  location: string,
  { field, id }: NamedKey,
  keys: readonly KeyAnswer[],
): MachineFault | undefined {
  const key = keys.find((one) => one.id === id);
  if (!key) {
    const message = `${location} has no encryption key ${id} that this account may use`;
    return { field, code: 'unknown-encryption-key', message };
  }
  if (key.state === 'enabled') return undefined;
  return { field, code: 'not-usable', message: `encryption key ${id} is ${key.state} at ${location}` };
}
