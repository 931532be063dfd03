import * as z from 'zod';
import { type Connection, connectionSchema } from '../../../functions/model/connection.ts';
import { connectionKey, connectionWord } from '../../../functions/model/identifiers.ts';
import { credentialParameter } from '../../../functions/platform/secrets/stored-credentials.ts';
import { type FleetItem, parseFleetItem } from '../../../functions/platform/store/fleets.ts';
import { fleetKey, type Key, specKey } from '../../../functions/platform/store/keys.ts';
import type { Item } from '../models/dynamo/evaluate.ts';
import { type Lab, SECRETS_PREFIX } from '../world/lab.ts';
import { parameterKey } from '../world/last-writers.ts';
import { ForgottenMachines } from './forgotten-machines.ts';
import { type Violation, violationBy } from './violation.ts';

const keySchema = z.looseObject({ pk: z.string(), sk: z.string() });
const SSH_KEYS = `${SECRETS_PREFIX}/ssh/`;

const isOver = ({ status }: FleetItem) => status === 'Terminated' || status === 'RolledBack';
const keyOf = ({ namespace, name }: Connection) => `${namespace}/${name}`;

export function itemsOf(table: { all(): unknown[] }) {
  return table.all().map((item) => keySchema.parse(item));
}

export function fleetsOf({ tables }: Lab): FleetItem[] {
  return itemsOf(tables.fleets)
    .filter(({ pk, sk }) => pk.startsWith('FLEET#') && sk === 'META')
    .map(parseFleetItem);
}

/** Returns the positions, `<time>#<id>`, of all entries of the audit log with a type, and of acts under way. */
export function auditEntries({ tables }: Lab, type: string): string[] {
  return itemsOf(tables.audit).flatMap((item) => (item['type'] === type ? [item.sk] : []));
}

export const liveFleets = (lab: Lab): FleetItem[] => fleetsOf(lab).filter((fleet) => !isOver(fleet));

export function namespacesOf({ tables }: Lab): string[] {
  return itemsOf(tables.access).flatMap(({ pk, sk }) => (pk === 'NAMESPACES' ? [sk] : []));
}

const isConnection = (pk: string): boolean => pk.startsWith('CONNECTIONS#');

export function connectionsOf({ tables }: Lab): Connection[] {
  return itemsOf(tables.access)
    .filter(({ pk }) => isConnection(pk))
    .map((item) => connectionSchema.parse(item));
}

/**
 * Returns the stored text of the connection's current credential version; undefined if the connection has
 * none.
 */
export function secretInForce({ parameters }: Lab, connection: Connection): string | undefined {
  const { credentialVersion } = connection;
  if (credentialVersion === undefined) return undefined;
  return parameters.value(credentialParameter(SECRETS_PREFIX, connection), credentialVersion);
}

/** Reports each live fleet that uses a connection whose record is being deleted. */
export function checkRemoval(lab: Lab, before: Item | undefined, after: Item | undefined): Violation[] {
  if (!before || after || !isConnection(String(before['pk']))) return [];
  const { namespace, name } = connectionSchema.parse(before);
  return liveFleets(lab)
    .filter((fleet) => fleet.connections.includes(connectionWord(fleet.namespace, { namespace, name })))
    .map(({ fleetId }) => {
      const text = `connection ${namespace}/${name} was deleted while live fleet ${fleetId} uses it`;
      return violationBy('record', text, lab.ground.caller);
    });
}

/**
 * Checks namespaces, connections, their secrets and the fleets that use them. Call it when no request is in
 * progress and the schedules have finished what dead processes left unfinished.
 */
export function checkAccess(lab: Lab, forgotten = new ForgottenMachines()): Violation[] {
  return [
    ...checkConnections(lab),
    ...checkDeletions(lab),
    ...checkSecrets(lab, forgotten),
    ...checkSpecs(lab),
    ...checkNames(lab),
  ].map(([kind, text, about]) => violationBy(kind, text, about && lab.writers.of(about)));
}

/**
 * Kind and text of each violation, and the key of the wrong item. The key is left out if no single item is
 * wrong.
 */
type Found = readonly (readonly [Violation['kind'], string, Key?])[];

function checkConnections(lab: Lab): Found {
  const namespaces = new Set(namespacesOf(lab));
  const connections = connectionsOf(lab);
  const keys = new Set(connections.map(keyOf));
  const connectionKeys = new Set(connections.map(connectionKey));
  const catalogues = new Set(itemsOf(lab.tables.catalogue).map(({ pk }) => pk.replace('CATALOGUE#', '')));
  return [
    ...connections
      .filter(({ namespace }) => !namespaces.has(namespace))
      .map((one) => ['leaked', `connection ${keyOf(one)} is in a missing namespace`] as const),
    ...[...catalogues]
      .filter((key) => !connectionKeys.has(key))
      .map((key) => ['leaked', `${key} has a catalogue but no record`] as const),
    ...liveFleets(lab).flatMap(({ fleetId, namespace, connections: names }) =>
      names
        .filter((word) => !keys.has(word.includes('/') ? word : `${namespace}/${word}`))
        .map(
          (name) =>
            [
              'record',
              `fleet ${fleetId} is live, and its connection ${name} does not exist`,
              fleetKey(fleetId),
            ] as const,
        ),
    ),
  ];
}

function checkDeletions(lab: Lab): Found {
  const items = itemsOf(lab.tables.access);
  return [
    ...items
      .filter(({ pk }) => pk === 'ABANDONED-SECRETS')
      .map(({ sk }) => ['stuck', `the secret of ${sk} is still noted as abandoned`] as const),
    ...items
      .filter(({ deletion }) => deletion !== undefined)
      .map(({ pk, sk }) => ['stuck', `${pk} ${sk} is still marked for deletion`, { pk, sk }] as const),
  ];
}

function checkSecrets(lab: Lab, forgotten: ForgottenMachines): Found {
  const connections = connectionsOf(lab);
  const named = new Set(connections.map((one) => credentialParameter(SECRETS_PREFIX, one)));
  const living = new Set(liveFleets(lab).map(({ fleetId }) => `${SSH_KEYS}${fleetId}`));
  const known = new Set(fleetsOf(lab).map(({ fleetId }) => `${SSH_KEYS}${fleetId}`));
  // Restored tables may have no record of a fleet. The SSH key of such a fleet stays, and so do its machines.
  const isForgotten = (name: string) => forgotten.isSetBack && name.startsWith(SSH_KEYS) && !known.has(name);
  return [
    ...lab.parameters.names
      .filter((name) => !named.has(name) && !living.has(name) && !isForgotten(name))
      .map((name) => ['leaked', `secret ${name} is named by no record`, parameterKey(name)] as const),
    ...connections
      .filter((one) => secretInForce(lab, one) === undefined)
      .map((one) => ['record', `connection ${keyOf(one)} is ${one.status} and has no secret`] as const),
  ];
}

function checkSpecs(lab: Lab): Found {
  const ids = new Set(fleetsOf(lab).map(({ fleetId }) => fleetId));
  const specs = new Set(
    itemsOf(lab.tables.fleets).flatMap(({ pk }) => (pk.startsWith('SPEC#') ? [pk.slice(5)] : [])),
  );
  return [
    ...[...specs]
      .filter((id) => !ids.has(id))
      .map((id) => ['leaked', `fleet ${id} has a spec but no record`, specKey(id)] as const),
    ...[...ids]
      .filter((id) => !specs.has(id))
      .map((id) => ['record', `fleet ${id} has no spec`, fleetKey(id)] as const),
  ];
}

function checkNames(lab: Lab): Found {
  const locks = itemsOf(lab.tables.fleets).flatMap(({ pk, sk }) =>
    sk.startsWith('NAME#') ? [`${pk.slice(3)}/${sk.slice(5)}`] : [],
  );
  const lived = new Set(liveFleets(lab).map(({ namespace, name }) => `${namespace}/${name}`));
  return [
    ...locks
      .filter((lock) => !lived.has(lock))
      .map((lock) => ['leaked', `name ${lock} is locked, but no live fleet has it`] as const),
    ...[...lived]
      .filter((lock) => !locks.includes(lock))
      .map((lock) => ['record', `fleet ${lock} is live, and its name is not locked`] as const),
  ];
}
