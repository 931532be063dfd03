import { z } from 'zod';
import { type Connection, connectionSchema } from '../../functions/model/connection.ts';
import { connectionKey } from '../../functions/model/identifiers.ts';
import { credentialParameter } from '../../functions/secrets/credentials.ts';
import { type FleetItem, parseFleetItem } from '../../functions/store/fleets.ts';
import { checkEnd } from '../chaos/invariants/check-end.ts';
import { type Lab, SECRETS_PREFIX } from '../chaos/world/lab.ts';

const keySchema = z.looseObject({ pk: z.string(), sk: z.string() });

const isOver = ({ status }: FleetItem) => status === 'Terminated' || status === 'RolledBack';

function itemsOf(table: { all(): unknown[] }) {
  return table.all().map((item) => keySchema.parse(item));
}

export function fleetsOf({ tables }: Lab): FleetItem[] {
  return itemsOf(tables.fleets)
    .filter(({ pk, sk }) => pk.startsWith('FLEET#') && sk === 'META')
    .map(parseFleetItem);
}

export const liveFleets = (lab: Lab): FleetItem[] => fleetsOf(lab).filter((fleet) => !isOver(fleet));

export function namespacesOf({ tables }: Lab): string[] {
  return itemsOf(tables.access).flatMap(({ pk, sk }) => (pk === 'NAMESPACES' ? [sk] : []));
}

export function connectionsOf({ tables }: Lab): Connection[] {
  return itemsOf(tables.access)
    .filter(({ pk }) => pk === 'CONNECTIONS')
    .map((item) => connectionSchema.parse(item));
}

const keyOf = ({ namespace, name }: Connection) => connectionKey(namespace, name);

/** The credential in force, as its driver's function reads it; undefined where there is none. */
export function secretInForce({ parameters }: Lab, connection: Connection): string | undefined {
  const { credentialVersion } = connection;
  if (credentialVersion === undefined) return undefined;
  const value = parameters.value(credentialParameter(SECRETS_PREFIX, connection), credentialVersion);
  return value === undefined ? undefined : z.object({ apiKey: z.string() }).parse(JSON.parse(value)).apiKey;
}

/** What must hold at rest, whatever was asked and answered. @returns what does not */
export async function checkState(lab: Lab): Promise<string[]> {
  return [
    ...checkConnections(lab),
    ...checkSecrets(lab),
    ...checkFleets(lab),
    ...checkEnd(lab).map(({ kind, text }) => `${kind}: ${text}`),
  ];
}

function checkConnections(lab: Lab): string[] {
  const namespaces = new Set(namespacesOf(lab));
  const connections = connectionsOf(lab);
  const keys = new Set(connections.map(keyOf));
  const catalogues = new Set(itemsOf(lab.tables.catalogue).map(({ pk }) => pk.replace('CATALOGUE#', '')));
  return [
    ...connections
      .filter(({ namespace }) => !namespaces.has(namespace))
      .map((one) => `connection ${keyOf(one)} is in a missing namespace`),
    ...connections
      .filter(({ deletion }) => deletion !== undefined)
      .map((one) => `connection ${keyOf(one)} stays marked for its deletion`),
    ...itemsOf(lab.tables.access)
      .filter(({ pk, deletion }) => pk === 'NAMESPACES' && deletion !== undefined)
      .map(({ sk }) => `namespace ${sk} stays marked for its deletion`),
    ...itemsOf(lab.tables.access)
      .filter(({ pk }) => pk === 'ABANDONED-SECRETS')
      .map(({ sk }) => `the secret of ${sk} stays noted as abandoned`),
    ...connections
      .filter(({ status }) => status === 'Verifying')
      .map((one) => `connection ${keyOf(one)} stays Verifying`),
    ...connections
      .filter(({ rotation }) => rotation?.status === 'Verifying')
      .map((one) => `a rotation of ${keyOf(one)} stays Verifying`),
    ...[...catalogues].filter((key) => !keys.has(key)).map((key) => `${key} has a catalogue and no record`),
  ];
}

function checkSecrets(lab: Lab): string[] {
  const connections = connectionsOf(lab);
  const isNamed = (parameter: string) =>
    connections.some((one) => parameter === credentialParameter(SECRETS_PREFIX, one));
  return [
    ...lab.parameters.names
      .filter((name) => !name.startsWith(`${SECRETS_PREFIX}/ssh/`) && !isNamed(name))
      .map((name) => `secret ${name} is named by no record`),
    ...connections
      .filter((one) => secretInForce(lab, one) === undefined)
      .map((one) => `connection ${keyOf(one)} is ${one.status} and has no secret`),
  ];
}

function checkFleets(lab: Lab): string[] {
  const items = itemsOf(lab.tables.fleets);
  const fleets = fleetsOf(lab);
  const ids = new Set(fleets.map(({ fleetId }) => fleetId));
  const specs = new Set(items.flatMap(({ pk }) => (pk.startsWith('SPEC#') ? [pk.slice(5)] : [])));
  const locks = items.flatMap(({ pk, sk }) =>
    sk.startsWith('NAME#') ? [`${pk.slice(3)}/${sk.slice(5)}`] : [],
  );
  const live = liveFleets(lab);
  const lockOf = ({ namespace, name }: FleetItem) => `${namespace}/${name}`;
  const lived = new Set(live.map(lockOf));
  const usable = new Set(connectionsOf(lab).map(keyOf));
  const keys = [...lab.parameters.names]
    .filter((name) => name.startsWith(`${SECRETS_PREFIX}/ssh/`))
    .map((name) => name.slice(`${SECRETS_PREFIX}/ssh/`.length));
  return [
    ...[...specs].filter((id) => !ids.has(id)).map((id) => `a spec of ${id} and no fleet`),
    ...[...ids].filter((id) => !specs.has(id)).map((id) => `fleet ${id} has no spec`),
    ...locks.filter((lock) => !lived.has(lock)).map((lock) => `name ${lock} is taken by no live fleet`),
    ...live
      .filter((one) => !locks.includes(lockOf(one)))
      .map((one) => `${lockOf(one)} lives without its name`),
    ...live.flatMap(({ fleetId, namespace, connections }) =>
      connections
        .filter((name) => !usable.has(connectionKey(namespace, name)))
        .map((name) => `fleet ${fleetId} lives on a missing connection ${name}`),
    ),
    ...keys
      .filter((id) => !live.some(({ fleetId }) => fleetId === id))
      .map((id) => `a private key of ${id}, which does not live`),
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
