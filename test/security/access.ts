import { routes } from '../../functions/entrypoints/api/contract.ts';
import {
  AccessMatrix,
  CASES,
  type Decision,
  decisionOf,
  nameOf,
  OTHERS,
  OWN,
  type Send,
  wantedDecision,
} from '../unit/entrypoints/api/access-matrix.ts';
import { InProcessApi } from '../unit/entrypoints/api/any-input/api.ts';

export interface AccessReport {
  routes: number;
  roleCases: number;
  /** What a caller was allowed, or came to know, without having the right. */
  unexpectedAllows: string[];
  /** What a caller was refused, although it has the right. */
  unexpectedDenies: string[];
  /** Number of routes that the test opens on purpose, and of those that it finds open. */
  planted: number;
  plantedFound: number;
}

const CALLERS = [undefined, ...CASES] as const;
const PLANTED = ['deleteNamespace', 'getFleet'] as const;

/** Tries every route with every role, in own and other namespaces, and without a key. */
export async function checkAccess(): Promise<AccessReport> {
  const found = await tryAll((api) => (route, request) => api.ask(route.handler, request));
  let plantedFound = 0;
  for (const operationId of PLANTED) {
    // An open route serves each caller as if it were the first administrator.
    const opened = await tryAll((api) => (route, request) => {
      const { headers: _, ...anonymous } = request;
      return api.ask(route.handler, route.operationId === operationId ? anonymous : request);
    });
    const others = opened.allows.filter((text) => !text.startsWith(`${operationId} `));
    if (opened.allows.length > others.length && others.length === found.allows.length) plantedFound += 1;
  }
  return {
    routes: routes.length,
    roleCases: found.cases,
    unexpectedAllows: found.allows,
    unexpectedDenies: found.denies,
    planted: PLANTED.length,
    plantedFound,
  };
}

async function tryAll(sendOver: (api: InProcessApi) => Send) {
  const api = new InProcessApi();
  await api.open();
  const matrix = new AccessMatrix(api, sendOver(api));
  await matrix.open();
  const found: { cases: number; allows: string[]; denies: string[] } = { cases: 0, allows: [], denies: [] };
  for (const route of routes) {
    for (const caller of CALLERS) {
      for (const namespace of [OWN, OTHERS]) {
        found.cases += 1;
        const answer = await matrix.ask(route, caller, namespace);
        const isRefused = answer.status === 401;
        const wanted = caller === undefined ? 'refused' : wantedDecision(route, caller, namespace);
        const decided: Decision | 'refused' = isRefused ? 'refused' : decisionOf(answer, namespace);
        if (wanted === decided) continue;
        const who = caller === undefined ? 'a caller without a key' : nameOf(caller);
        const text = `${route.operationId} in ${namespace}, ${who}: ${decided}, not ${wanted}`;
        (wanted === 'allowed' ? found.denies : found.allows).push(text);
      }
    }
  }
  api.close();
  return found;
}
