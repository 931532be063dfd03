import { type OperationId, type OperationOutput, routes } from '../../functions/entrypoints/api/contract.ts';
import type { FleetAction } from '../../functions/model/fleet-action.ts';
import { CALLER } from '../chaos/world/caller.ts';
import type { Lab } from '../chaos/world/lab.ts';
import {
  connectionBody,
  fleetBody,
  GUESTS,
  instanceBody,
  LOCATION,
  MAIN,
  ofMain,
  ofTeam,
  ofWeb,
  plainly,
  type Situation,
  TEAM,
  WEB_SIZE,
} from './situation.ts';

/** The operation that takes a body and changes nothing. */
export const CHANGES_NOTHING = 'validateFleet';

/** Operations of the API contract that change something. */
export type MutatingId = Exclude<
  Extract<(typeof routes)[number], { method: 'POST' | 'PUT' | 'DELETE' }>['operationId'],
  typeof CHANGES_NOTHING
>;

/** Values in a request by which the checks recognize the effect of the request. */
export interface Mark {
  secret?: string;
  size?: number;
  idempotencyKey?: string;
  concurrentLocations?: number;
  graceSeconds?: number;
}

/** Parameters of one request of a race. */
export interface Turn {
  lab: Lab;
  /** Number of the request, unique in the race. */
  at: number;
  /** Id of an API key that the race created before its requests. */
  apiKeyId: string;
}

export interface Move {
  id: MutatingId;
  /** Unique name. An operation may have several moves. */
  name: string;
  /** The situation in which the request succeeds. */
  needs: Partial<Situation>;
  /** Maximum number of requests of this move in one race. */
  most: number;
  mark?(at: number): Mark;
  /**
   * Sends the request.
   *
   * @returns the body of the answer
   * @throws Problem if the API refuses the request
   */
  ask(turn: Turn): Promise<unknown>;
}

/**
 * How to request an operation. An operation has several recipes if its outcome depends on the request's body.
 */
type Recipe<Id extends MutatingId> = Omit<Move, 'id' | 'name' | 'ask'> & {
  name?: string;
  ask(turn: Turn): Promise<{ body: OperationOutput<Id> }>;
};

const READY = { namespace: 'there', connection: 'ready' } as const;
const secretOf = (kind: string, at: number) => `secret-of-${kind}-${at}`;
const sizeOf = (at: number) => WEB_SIZE + (at % 2);
const ONE_KEY = 'the-key-of-all';

/** A network that the cloud does not have. Its verification fails. */
const NO_NETWORK = {
  mode: 'existing' as const,
  existing: { [LOCATION]: { networkId: 'none', subnetIds: ['none'], securityGroupIds: ['none'] } },
};

/** A request that gives a role to a role of AWS of its own. */
const bindingOf = (name: string, at: number) => ({
  ...plainly,
  params: {},
  body: {
    kind: 'aws' as const,
    name: `arn:aws:iam::123456789012:role/${name}-${at}`,
    role: 'viewer' as const,
  },
  caller: CALLER,
});

/** The compiler reports a route without an entry in this table. */
const RECIPES: { readonly [Id in MutatingId]: readonly Recipe<Id>[] } = {
  createNamespace: [
    {
      needs: { namespace: 'absent' },
      most: 4,
      ask: ({ lab }) =>
        lab.requestAccess((api) => api.createNamespace({ ...plainly, params: {}, body: { name: TEAM } })),
    },
  ],
  deleteNamespace: [
    {
      needs: { namespace: 'there', connection: 'absent' },
      most: 2,
      ask: ({ lab }) => lab.requestAccess((api) => api.deleteNamespace({ ...plainly, params: ofTeam })),
    },
  ],
  createApiKey: [
    {
      needs: {},
      most: 2,
      ask: ({ lab, at }) =>
        lab.requestAccess((api) =>
          api.createApiKey({ ...plainly, params: {}, body: { name: `key-${at}` }, caller: CALLER }),
        ),
    },
  ],
  revokeApiKey: [
    {
      needs: {},
      most: 2,
      ask: ({ lab, apiKeyId }) =>
        lab.requestAccess((api) =>
          api.revokeApiKey({ ...plainly, params: { id: apiKeyId }, caller: CALLER }),
        ),
    },
  ],
  createBinding: [
    {
      needs: {},
      most: 2,
      ask: ({ lab, at }) => lab.requestAccess((api) => api.createBinding(bindingOf('bound', at))),
    },
  ],
  deleteBinding: [
    {
      needs: {},
      most: 2,
      ask: ({ lab, at }) =>
        lab.requestAccess(async (api) => {
          const { body } = await api.createBinding(bindingOf('unbound', at));
          return await api.deleteBinding({ ...plainly, params: { id: body.id }, caller: CALLER });
        }),
    },
  ],
  createConnection: [
    {
      needs: { namespace: 'there', connection: 'absent' },
      most: 8,
      mark: (at) => ({ secret: secretOf('create', at) }),
      ask: ({ lab, at }) =>
        lab.requestConnections((api) =>
          api.createConnection({
            ...plainly,
            params: ofTeam,
            body: connectionBody(secretOf('create', at)),
          }),
        ),
    },
  ],
  deleteConnection: [
    {
      needs: { ...READY, fleet: 'absent', instance: 'absent' },
      most: 2,
      ask: ({ lab }) => lab.requestConnections((api) => api.deleteConnection({ ...plainly, params: ofMain })),
    },
  ],
  shareConnection: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) =>
        lab.requestConnections((api) =>
          api.shareConnection({ ...plainly, params: { ...ofMain, target: GUESTS } }),
        ),
    },
  ],
  unshareConnection: [
    {
      needs: { ...READY, share: 'there' },
      most: 2,
      ask: ({ lab }) =>
        lab.requestConnections((api) =>
          api.unshareConnection({ ...plainly, params: { ...ofMain, target: GUESTS } }),
        ),
    },
  ],
  setConnectionNetwork: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab, at }) =>
        lab.requestConnections((api) =>
          api.setConnectionNetwork({
            ...plainly,
            params: ofMain,
            body: at % 2 === 0 ? { mode: 'dedicated' } : NO_NETWORK,
          }),
        ),
    },
  ],
  setOrphanPolicy: [
    {
      needs: READY,
      most: 3,
      mark: (at) => ({ graceSeconds: 600 + at }),
      ask: ({ lab, at }) =>
        lab.requestConnections((api) =>
          api.setOrphanPolicy({
            ...plainly,
            params: ofMain,
            body: { action: 'report', graceSeconds: 600 + at },
          }),
        ),
    },
  ],
  setLimits: [
    {
      needs: READY,
      most: 3,
      mark: (at) => ({ concurrentLocations: 10 + at }),
      ask: ({ lab, at }) =>
        lab.requestConnections((api) =>
          api.setLimits({ ...plainly, params: ofMain, body: { concurrentLocations: 10 + at } }),
        ),
    },
  ],
  reopenLimits: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) =>
        lab.requestConnections((api) => api.reopenLimits({ ...plainly, params: ofMain, body: {} })),
    },
  ],
  rotateCredential: [
    {
      needs: READY,
      most: 3,
      mark: (at) => ({ secret: secretOf('rotation', at) }),
      ask: ({ lab, at }) =>
        lab.requestConnections((api) =>
          api.rotateCredential({
            ...plainly,
            params: ofMain,
            body: { credential: connectionBody(secretOf('rotation', at)).credential },
          }),
        ),
    },
  ],
  disableConnection: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) =>
        lab.requestConnections((api) => api.disableConnection({ ...plainly, params: ofMain })),
    },
  ],
  enableConnection: [
    {
      needs: { namespace: 'there', connection: 'disabled' },
      most: 2,
      ask: ({ lab }) => lab.requestConnections((api) => api.enableConnection({ ...plainly, params: ofMain })),
    },
  ],
  verifyConnection: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) => lab.requestConnections((api) => api.verifyConnection({ ...plainly, params: ofMain })),
    },
  ],
  syncInventory: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) => lab.requestConnections((api) => api.syncInventory({ ...plainly, params: ofMain })),
    },
  ],
  createFleet: [
    {
      needs: { ...READY, fleet: 'absent' },
      most: 6,
      mark: (at) => ({ size: sizeOf(at) }),
      ask: ({ lab, at }) =>
        lab.request((api) => api.createFleet({ ...plainly, params: ofTeam, body: fleetBody(sizeOf(at)) })),
    },
    {
      name: 'with one key',
      needs: { ...READY, fleet: 'absent' },
      most: 4,
      mark: () => ({ size: WEB_SIZE, idempotencyKey: ONE_KEY }),
      ask: ({ lab }) =>
        lab.request((api) =>
          api.createFleet({
            ...plainly,
            params: ofTeam,
            body: fleetBody(WEB_SIZE),
            idempotencyKey: ONE_KEY,
          }),
        ),
    },
    {
      name: 'with one key for two bodies',
      needs: { ...READY, fleet: 'absent' },
      most: 4,
      mark: (at) => ({ size: sizeOf(at), idempotencyKey: ONE_KEY }),
      ask: ({ lab, at }) =>
        lab.request((api) =>
          api.createFleet({
            ...plainly,
            params: ofTeam,
            body: fleetBody(sizeOf(at)),
            idempotencyKey: ONE_KEY,
          }),
        ),
    },
  ],
  deleteFleet: [
    {
      needs: { ...READY, fleet: 'running' },
      most: 2,
      ask: ({ lab }) => lab.request((api) => api.deleteFleet({ ...plainly, params: ofWeb })),
    },
  ],
  actOnFleet: (
    [
      ['hold', 'preparing'],
      ['abort', 'preparing'],
      ['release', 'held'],
      ['withdraw', 'held'],
      ['retry', 'short'],
      ['refine', 'short'],
    ] as const
  ).map(([action, fleet]) => acting(action, fleet)),
  createInstance: [
    {
      needs: { ...READY, instance: 'absent' },
      most: 4,
      ask: ({ lab }) =>
        lab.request((api) => api.createInstance({ ...plainly, params: ofTeam, body: instanceBody })),
    },
  ],
  deleteInstance: [
    {
      needs: { ...READY, instance: 'running' },
      most: 2,
      async ask({ lab }) {
        const params = { namespace: TEAM, fleet: instanceBody.name };
        const fleet = await lab.request((api) => api.getFleet({ ...plainly, params }));
        const instance = { namespace: TEAM, instance: `${fleet.body.id}-00000` };
        return await lab.request((api) => api.deleteInstance({ ...plainly, params: instance }));
      },
    },
  ],
  removeVolume: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) =>
        lab.requestResources((api) =>
          api.removeVolume({ ...plainly, params: { ...ofTeam, volume: 'v0123456789abcdef' } }),
        ),
    },
  ],
  sweepOrphans: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) =>
        lab.requestResources((api) =>
          api.sweepOrphans({ ...plainly, params: ofTeam, body: { dryRun: false } }),
        ),
    },
  ],
  removeNetworks: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) =>
        lab.requestResources((api) => api.removeNetworks({ ...plainly, params: ofTeam, body: {} })),
    },
  ],
  setNetworkRanges: [
    {
      needs: READY,
      most: 3,
      ask: ({ lab, at }) =>
        lab.requestResources((api) =>
          api.setNetworkRanges({
            ...plainly,
            params: ofMain,
            body: { ranges: { 'us-east-1': `10.${at}.0.0/16` } },
          }),
        ),
    },
  ],
  continueSweeps: [
    {
      needs: READY,
      most: 2,
      ask: ({ lab }) =>
        lab.requestResources((api) =>
          api.continueSweeps({ ...plainly, params: ofTeam, body: { connection: MAIN }, caller: CALLER }),
        ),
    },
  ],
};

function acting(action: FleetAction, fleet: Situation['fleet']): Recipe<'actOnFleet'> {
  return {
    name: action,
    needs: { ...READY, fleet },
    most: 2,
    ask: ({ lab }) => lab.request((api) => api.actOnFleet({ ...plainly, params: ofWeb, body: { action } })),
  };
}

/** All moves, in the order of the contract's routes. */
export const MOVES: readonly Move[] = routes
  .filter(({ method, operationId }) => method !== 'GET' && operationId !== CHANGES_NOTHING)
  .flatMap(({ operationId }) => movesOf(operationId));

function movesOf(id: OperationId): Move[] {
  if (!isMutating(id)) throw new TypeError(`no recipe for the operation ${id}: add one to RECIPES`);
  return RECIPES[id].map(({ name, ask, ...recipe }) => ({
    ...recipe,
    id,
    name: name === undefined ? id : `${id} ${name}`,
    ask: async (turn) => (await ask(turn)).body,
  }));
}

function isMutating(id: OperationId): id is MutatingId {
  return Object.hasOwn(RECIPES, id);
}

export interface Pair {
  one: Move;
  other: Move;
}

/** Every pair of moves, including each move with itself. */
export const PAIRS: readonly Pair[] = MOVES.flatMap((one, at) =>
  MOVES.slice(at).map((other) => ({ one, other })),
);
