import type { Warning } from '../../model/warning.ts';
import type { Meaning } from './check-words.ts';

/**
 * Warns of locations of a node group at which the credential lacks rights, by the last verification. The fleet is accepted:
 * the rights may have been given since, and instances may go to other locations. Pure.
 *
 * @param isGiven true if the fleet uses an existing network, so that no network is made
 */
export function warnOfRights(
  {
    connection,
    lacking = [],
  }: Pick<Meaning, 'lacking'> & { connection: Pick<Meaning['connection'], 'name'> },
  isGiven: boolean,
): Warning[] {
  return lacking.flatMap(({ pointer, rights: { location, missing, checkedAt } }): Warning[] => {
    const needed = missing.filter((right) => !isGiven || right.for !== 'networks');
    const [first] = needed;
    if (!first) return [];
    const calls = needed.map(({ call }) => call).join(', ');
    const message = `at ${checkedAt}, the cloud denied connection ${connection.name} at ${location}: ${calls}. It said: ${first.message}. When the right is given, run \`fleetwright connection verify ${connection.name}\``;
    return [{ pointer, code: 'missing-rights', message }];
  });
}
