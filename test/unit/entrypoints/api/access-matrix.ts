import * as z from 'zod';
import type { OperationId, routes } from '../../../../functions/entrypoints/api/contract.ts';
import { type GrantedNamespaces, ROLES, type Role } from '../../../../functions/model/access.ts';
import { issueApiKey } from '../../../../functions/platform/store/api-keys.ts';
import { createNamespace } from '../../../../functions/platform/store/namespaces.ts';
import type { Answered, InProcessApi } from './any-input/api.ts';
import type { Request } from './event.ts';

/**
 * The lowest role that may use each operation. This table is written by hand, and does not read the declarations of the
 * routes. The compiler reports an operation without an entry.
 */
export const LOWEST: Readonly<Record<OperationId, Role>> = {
  createNamespace: 'platform-admin',
  listNamespaces: 'viewer',
  getNamespace: 'viewer',
  deleteNamespace: 'platform-admin',
  createApiKey: 'admin',
  listApiKeys: 'admin',
  revokeApiKey: 'admin',
  createBinding: 'admin',
  listBindings: 'admin',
  getBinding: 'admin',
  deleteBinding: 'admin',
  getOpenApi: 'viewer',
  listNamespaceAudit: 'admin',
  listAudit: 'platform-admin',
  listDrivers: 'viewer',
  createConnection: 'admin',
  listConnections: 'viewer',
  getConnection: 'viewer',
  deleteConnection: 'admin',
  shareConnection: 'admin',
  unshareConnection: 'admin',
  setOrphanPolicy: 'admin',
  setConnectionNetwork: 'admin',
  getLimits: 'viewer',
  setLimits: 'admin',
  reopenLimits: 'operator',
  getWords: 'viewer',
  rotateCredential: 'admin',
  disableConnection: 'admin',
  enableConnection: 'admin',
  verifyConnection: 'operator',
  syncInventory: 'operator',
  listLocations: 'viewer',
  listInstanceTypes: 'viewer',
  listOffers: 'viewer',
  listImages: 'viewer',
  createFleet: 'operator',
  validateFleet: 'viewer',
  listFleets: 'viewer',
  getFleet: 'viewer',
  deleteFleet: 'operator',
  actOnFleet: 'operator',
  listInstances: 'viewer',
  createInstance: 'operator',
  getInstance: 'viewer',
  deleteInstance: 'operator',
  listResources: 'viewer',
  listFleetResources: 'viewer',
  listNetworks: 'viewer',
  getNetwork: 'viewer',
  removeNetworks: 'operator',
  getNetworkRanges: 'viewer',
  setNetworkRanges: 'admin',
  removeVolume: 'operator',
  listOrphans: 'operator',
  sweepOrphans: 'operator',
  getSweep: 'operator',
  listSweepHolds: 'viewer',
  continueSweeps: 'operator',
};

export const OWN = 'team-own';
export const OTHERS = 'team-others';
export const ABSENT = 'team-absent';

export interface AccessCase {
  role: Role;
  namespaces: GrantedNamespaces;
}
export const CASES: readonly AccessCase[] = [
  ...ROLES.map((role) => ({ role, namespaces: ['*'] })),
  // A platform-admin has all namespaces.
  ...ROLES.filter((role) => role !== 'platform-admin').map((role) => ({ role, namespaces: [OWN] })),
];
export const nameOf = ({ role, namespaces }: AccessCase) => `${role} of ${namespaces.join()}`;

type KnownRoute = (typeof routes)[number];
/** Sends a request to the function that answers the route. */
export type Send = (route: KnownRoute, request: Request) => Promise<Answered>;
export type Decision = 'allowed' | 'denied' | 'not there';

const problemSchema = z.object({ code: z.string(), detail: z.string(), requestId: z.string() });

/** Asks for each operation with a key of each role, in the key's own namespace and in another one. */
export class AccessMatrix {
  readonly #api: InProcessApi;
  readonly #send: Send;
  readonly #keys = new Map<string, string>();

  /** @param send sends the requests; tests plant open routes in it */
  constructor(api: InProcessApi, send: Send = (route, request) => api.ask(route.handler, request)) {
    this.#api = api;
    this.#send = send;
  }

  /** Makes the namespaces, and a key for each case. */
  async open(): Promise<void> {
    await this.#makeNamespaces();
    for (const one of CASES) {
      const outcome = await issueApiKey(this.#api.store, { name: 'matrix', ...one });
      if (!('made' in outcome)) throw new Error(outcome.refused);
      this.#keys.set(nameOf(one), outcome.made.key);
    }
  }

  async #makeNamespaces(): Promise<void> {
    for (const name of [OWN, OTHERS]) await createNamespace(this.#api.store, { name });
  }

  /** Sends the request that the route describes. The namespaces are there, also after an earlier request has deleted one. */
  async ask(route: KnownRoute, one: AccessCase | undefined, namespace: string): Promise<Answered> {
    await this.#makeNamespaces();
    const key = one === undefined ? 'none' : this.#keys.get(nameOf(one));
    return await this.#send(route, {
      method: route.method,
      path: route.path.replace('{namespace}', namespace).replaceAll(/\{\w+\}/g, 'no-such-thing'),
      headers: { authorization: `Bearer ${key}` },
    });
  }
}

/** Returns what the API has to decide about a request. */
export function wantedDecision(route: KnownRoute, one: AccessCase, namespace: string): Decision {
  const isHighEnough = ROLES.indexOf(one.role) >= ROLES.indexOf(LOWEST[route.operationId]);
  const hasNamespace = one.namespaces.includes('*') || one.namespaces.includes(namespace);
  if (route.path.includes('{namespace}') && !hasNamespace) return 'not there';
  return isHighEnough ? 'allowed' : 'denied';
}

/**
 * Returns what the API has decided. `allowed`: it has read the request further, whatever it then answered: the requests of
 * these tests have no body, and name things that do not exist.
 */
export function decisionOf({ status, body }: Answered, namespace: string): Decision {
  const detail = status < 400 ? '' : problemSchema.parse(body).detail;
  if (status === 401) throw new Error('the key was refused');
  if (status === 403) return 'denied';
  return detail === `namespace ${namespace} does not exist` ? 'not there' : 'allowed';
}
