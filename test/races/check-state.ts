import { checkAccess, connectionsOf, liveFleets } from '../chaos/invariants/check-access.ts';
import { checkEnd } from '../chaos/invariants/check-end.ts';
import type { Lab } from '../chaos/world/lab.ts';

/**
 * Checks what must hold when no work is left, independently of the requests and their answers.
 *
 * @returns the violations
 */
export function checkState(lab: Lab): string[] {
  const connections = connectionsOf(lab);
  const stuck = (names: readonly { namespace: string; name: string }[], what: string) =>
    names.map(({ namespace, name }) => `${what} ${namespace}/${name} is still Verifying`);
  return [
    ...stuck(
      connections.filter(({ status }) => status === 'Verifying'),
      'connection',
    ),
    ...stuck(
      connections.filter(({ rotation }) => rotation?.status === 'Verifying'),
      'the rotation of',
    ),
    ...[...checkAccess(lab), ...checkEnd(lab)].map(({ kind, text }) => `${kind}: ${text}`),
  ];
}

/** Checks that no machine and no live fleet is left after every fleet was deleted. @returns the violations */
export function checkGone(lab: Lab): string[] {
  return [
    ...lab.clouds
      .machines()
      .filter(({ status, ours }) => ours !== undefined && status !== 'Terminated')
      .map(({ backendId, ours }) => `machine ${backendId} of ${ours} still exists`),
    ...liveFleets(lab).map(({ fleetId, status }) => `fleet ${fleetId} was deleted, but is ${status}`),
  ];
}
