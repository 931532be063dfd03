import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type OperationId, routes } from '../../../../functions/entrypoints/api/contract.ts';
import { type GrantedNamespaces, ROLES, type Role } from '../../../../functions/model/access.ts';
import { issueApiKey } from '../../../../functions/platform/store/api-keys.ts';
import { createNamespace } from '../../../../functions/platform/store/namespaces.ts';
import { type Answered, InProcessApi } from './any-input/api.ts';

/**
 * The lowest role that may use each operation. This table is written by hand, and does not read the declarations of the
 * routes. The compiler reports an operation without an entry.
 */
const LOWEST: Readonly<Record<OperationId, Role>> = {
  createNamespace: 'platform-admin',
  listNamespaces: 'viewer',
  getNamespace: 'viewer',
  deleteNamespace: 'platform-admin',
  createApiKey: 'admin',
  listApiKeys: 'admin',
  revokeApiKey: 'admin',
  getOpenApi: 'viewer',
  listNamespaceAudit: 'admin',
  listAudit: 'platform-admin',
  listDrivers: 'viewer',
  createConnection: 'admin',
  listConnections: 'viewer',
  getConnection: 'viewer',
  deleteConnection: 'admin',
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

const OWN = 'team-own';
const OTHERS = 'team-others';
const ABSENT = 'team-absent';
const CASES: readonly { role: Role; namespaces: GrantedNamespaces }[] = [
  ...ROLES.map((role) => ({ role, namespaces: ['*'] })),
  // A platform-admin has all namespaces.
  ...ROLES.filter((role) => role !== 'platform-admin').map((role) => ({ role, namespaces: [OWN] })),
];

const api = new InProcessApi();
const keys = new Map<string, string>();
const nameOf = ({ role, namespaces }: (typeof CASES)[number]) => `${role} of ${namespaces.join()}`;

beforeAll(async () => {
  await api.open();
  for (const name of [OWN, OTHERS]) await createNamespace(api.store, { name });
  for (const one of CASES) {
    const outcome = await issueApiKey(api.store, { name: 'matrix', ...one });
    if (!('made' in outcome)) throw new Error(outcome.refused);
    keys.set(nameOf(one), outcome.made.key);
  }
});
afterAll(() => api.close());

/** Sends the request that the route describes. The namespaces are there, also after an earlier request has deleted one. */
async function ask(route: (typeof routes)[number], one: (typeof CASES)[number], namespace: string) {
  for (const name of [OWN, OTHERS]) await createNamespace(api.store, { name });
  return await api.ask(route.handler, {
    method: route.method,
    path: route.path.replace('{namespace}', namespace).replaceAll(/\{\w+\}/g, 'no-such-thing'),
    headers: { authorization: `Bearer ${keys.get(nameOf(one))}` },
  });
}

const problemSchema = z.object({ code: z.string(), detail: z.string(), requestId: z.string() });

/**
 * Returns what the API has decided. `allowed`: it has read the request further, whatever it then answered: the requests of
 * these tests have no body, and name things that do not exist.
 */
function decisionOf({ status, body }: Answered, namespace: string): 'allowed' | 'denied' | 'not there' {
  const detail = status < 400 ? '' : problemSchema.parse(body).detail;
  if (status === 401) throw new Error('the key was refused');
  if (status === 403) return 'denied';
  return detail === `namespace ${namespace} does not exist` ? 'not there' : 'allowed';
}

describe('what each role may do in each namespace', () => {
  it.each(routes.map((route) => [route.operationId, route] as const))(
    '%s is allowed to callers with the role that it needs, in their own namespaces, and to no others',
    async (operationId, route) => {
      for (const one of CASES) {
        const isHighEnough = ROLES.indexOf(one.role) >= ROLES.indexOf(LOWEST[operationId]);
        const inScope = isHighEnough ? 'allowed' : 'denied';
        const isNamed = route.path.includes('{namespace}');
        const isAll = one.namespaces.includes('*');
        const wanted = [
          [OWN, inScope],
          [OTHERS, !isNamed || isAll ? inScope : 'not there'],
        ] as const;
        for (const [namespace, decision] of wanted) {
          const answer = await ask(route, one, namespace);
          expect(decisionOf(answer, namespace), `${nameOf(one)}, ${namespace}`).toBe(decision);
        }
      }
    },
  );

  it.each(
    routes
      .filter(({ path }) => path.includes('{namespace}'))
      .map((route) => [route.operationId, route] as const),
  )(
    '%s answers alike for the namespace of others and for a namespace that does not exist',
    async (_id, route) => {
      for (const one of CASES.filter(({ namespaces }) => !namespaces.includes('*'))) {
        const [theirs, none] = [await ask(route, one, OTHERS), await ask(route, one, ABSENT)];
        const text = (answer: Answered, name: string) => JSON.stringify(answer).replaceAll(name, 'NAMESPACE');
        expect(theirs.status).toBe(404);
        expect(text(theirs, OTHERS)).toBe(text(none, ABSENT));
      }
    },
  );
});
