import type { OperationId } from '../../functions/entrypoints/api/contract.ts';
import { routes } from '../../functions/entrypoints/api/contract.ts';
import type { FleetRequest } from '../../functions/model/fleet-request.ts';
import { instanceId } from '../../functions/model/identifiers.ts';
import type { Random } from '../../test/chaos/time/random.ts';
import { NAMESPACE } from '../../test/chaos/world/lab.ts';
import type { ApiRequest } from './api.ts';

/** A fleet that is being launched during the load. */
export interface LoadedFleet {
  id: string;
  size: number;
  request: FleetRequest;
}

export interface Drawn {
  operation: OperationId;
  request: ApiRequest;
}

interface Part {
  operation: OperationId;
  /** Part of all requests, in percent. */
  percent: number;
  query?: Record<string, string>;
  body?: (draw: Draw) => unknown;
}

/** What the requests of a load are about. */
interface Draw {
  fleet: LoadedFleet;
  connection: string;
  /** Number of the request, from 1. */
  number: number;
  random: Random;
}

/**
 * The load: mostly clients that follow their fleets, some that look around, and a few that write. Requests that begin or
 * end machines are left out, because the launches of the load are the same in each run.
 */
const MIX: readonly Part[] = [
  { operation: 'getFleet', percent: 40 },
  { operation: 'listInstances', percent: 14, query: { limit: '100' } },
  { operation: 'getInstance', percent: 12 },
  { operation: 'listFleets', percent: 8 },
  { operation: 'listFleetResources', percent: 3 },
  { operation: 'listNetworks', percent: 2 },
  { operation: 'getConnection', percent: 4 },
  { operation: 'listConnections', percent: 3 },
  { operation: 'getLimits', percent: 3 },
  { operation: 'listInstanceTypes', percent: 2, query: { limit: '100' } },
  { operation: 'listOffers', percent: 2, query: { limit: '100' } },
  { operation: 'listNamespaces', percent: 2 },
  {
    operation: 'validateFleet',
    percent: 3,
    body: ({ fleet, number }) => ({ ...fleet.request, name: `load-${number}` }),
  },
  { operation: 'createNamespace', percent: 1, body: ({ number }) => ({ name: `load-${number}` }) },
  { operation: 'createApiKey', percent: 1, body: ({ number }) => ({ name: `load-${number}` }) },
];

/** Draws a request of the mix. */
export function drawRequest(
  random: Random,
  number: number,
  fleets: readonly LoadedFleet[],
  connections: readonly string[],
): Drawn {
  const part = drawPart(random);
  const draw = { fleet: random.pick(fleets), connection: random.pick(connections), number, random };
  const { method, path } = routeOf(part.operation);
  return {
    operation: part.operation,
    request: {
      method,
      path: filled(path, draw),
      ...(part.query ? { query: part.query } : {}),
      ...(part.body ? { body: part.body(draw) } : {}),
    },
  };
}

function drawPart(random: Random): Part {
  let left = random.next() * MIX.reduce((sum, { percent }) => sum + percent, 0);
  for (const part of MIX) {
    left -= part.percent;
    if (left < 0) return part;
  }
  throw new RangeError('the mix of requests is empty');
}

/** Returns the route of an operation. */
export function routeOf(operation: OperationId) {
  const route = routes.find(({ operationId }) => operationId === operation);
  if (!route) throw new Error(`the API has no operation ${operation}`);
  return route;
}

function filled(path: string, { fleet, connection, random }: Draw): string {
  const index = random.int(0, fleet.size - 1);
  const values: Readonly<Record<string, string>> = {
    namespace: NAMESPACE,
    fleet: fleet.id,
    instance: instanceId({ fleetId: fleet.id, index }),
    connection,
  };
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for {${name}} in ${path}`);
    return encodeURIComponent(value);
  });
}
