import { connectionKey } from '../../functions/model/identifiers.ts';
import { checkAccess, connectionsOf, liveFleets } from '../chaos/invariants/check-access.ts';
import { checkEnd } from '../chaos/invariants/check-end.ts';
import type { Lab } from '../chaos/world/lab.ts';

/** What must hold at rest, whatever was asked and answered. @returns what does not */
export function checkState(lab: Lab): string[] {
  const connections = connectionsOf(lab);
  const told = (names: readonly { namespace: string; name: string }[], what: string) =>
    names.map(({ namespace, name }) => `${what} ${connectionKey(namespace, name)} stays Verifying`);
  return [
    ...told(
      connections.filter(({ status }) => status === 'Verifying'),
      'connection',
    ),
    ...told(
      connections.filter(({ rotation }) => rotation?.status === 'Verifying'),
      'the rotation of',
    ),
    ...[...checkAccess(lab), ...checkEnd(lab)].map(({ kind, text }) => `${kind}: ${text}`),
  ];
}

/** What must hold when every fleet has been deleted. */
export function checkGone(lab: Lab): string[] {
  return [
    ...lab.clouds
      .machines()
      .filter(({ status, ours }) => ours !== undefined && status !== 'Terminated')
      .map(({ backendId, ours }) => `machine ${backendId} of ${ours} is left running`),
    ...liveFleets(lab).map(({ fleetId, status }) => `fleet ${fleetId} was deleted and is ${status}`),
  ];
}
