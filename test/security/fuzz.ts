import fc from 'fast-check';
import { routes } from '../../functions/entrypoints/api/contract.ts';
import type { Route } from '../../functions/entrypoints/api/routes/route.ts';
import { KNOWN } from '../unit/entrypoints/api/any-input/any-json.ts';
import {
  type AnyRequest,
  anyRequest,
  fittingRequest,
} from '../unit/entrypoints/api/any-input/any-request.ts';
import type { Answered } from '../unit/entrypoints/api/any-input/api.ts';
import { furnishedApi } from '../unit/entrypoints/api/any-input/furnished-api.ts';
import { contradiction, isOfNoRoute } from '../unit/entrypoints/api/any-input/schema.ts';

export interface FuzzReport {
  requests: number;
  /** Number of accepted requests of the operation that accepted the fewest. */
  minSuccesses: number;
  serverErrors: string[];
  /** Answers that the OpenAPI document does not describe. */
  violations: string[];
  /** Answers that repeat a credential. */
  secrets: string[];
}

export interface FuzzOptions {
  /** Minimum number of requests of all operations together. */
  requests: number;
  /** Number of accepted requests of each operation. */
  successes: number;
  seed: number;
  onRoute?: (line: string) => void;
}

/** A credential that no answer may repeat, in whole or in part. */
const CANARY = 'hJ3kQx9TzWm2bvN7cRt5YpLq';
const PART = CANARY.slice(4, 14);
/** Maximum number of fitting requests for each accepted one that is wanted. */
const MOST_TRIES = 30;
/** Number of requests that are drawn together. */
const BATCH = 8;

const all: readonly Route[] = routes;

/**
 * Sends random requests of every operation of the contract to the API in this process, and compares each answer with the
 * OpenAPI document: a part of the requests is wrong in one place, and the others fit the document.
 */
export async function fuzz({
  requests,
  successes,
  seed,
  onRoute = () => {},
}: FuzzOptions): Promise<FuzzReport> {
  KNOWN.set('credential', [{ account: CANARY }]);
  const report: FuzzReport = {
    requests: 0,
    minSuccesses: Number.POSITIVE_INFINITY,
    serverErrors: [],
    violations: [],
    secrets: [],
  };
  for (const [at, route] of all.entries()) {
    const each = Math.ceil(requests / all.length);
    const accepted = await fuzzRoute(route, { requests: each, successes, seed: seed + at }, report);
    report.minSuccesses = Math.min(report.minSuccesses, accepted);
    onRoute(`${route.operationId}: ${accepted} accepted; ${report.requests} requests so far`);
  }
  return report;
}

async function fuzzRoute(
  route: Route,
  { requests, successes, seed }: Required<Omit<FuzzOptions, 'onRoute'>>,
  report: FuzzReport,
): Promise<number> {
  const counts = { sent: 0, accepted: 0 };
  let api = await furnishedApi();
  let batches = 0;
  /** Sends some requests, up to the first that changes something: later ones need to know what is there then. */
  const sendBatch = async (draw: typeof anyRequest) => {
    batches += 1;
    // The seeds of two operations are never equal, because no operation has so many batches.
    for (const { request } of fc.sample(draw(route), { numRuns: BATCH, seed: seed * 1_000_000 + batches })) {
      const answer = await api.ask(route.handler, request);
      counts.sent += 1;
      judge(route, request, answer, report);
      if (answer.status >= 300) continue;
      counts.accepted += 1;
      if (route.method === 'GET') continue;
      api.close();
      api = await furnishedApi();
      return;
    }
  };
  while (counts.sent < requests) await sendBatch(anyRequest);
  const most = counts.sent + successes * MOST_TRIES;
  while (counts.accepted < successes && counts.sent < most) await sendBatch(fittingRequest);
  api.close();
  report.requests += counts.sent;
  return counts.accepted;
}

function judge(
  route: Route,
  request: AnyRequest['request'],
  answer: Answered,
  { serverErrors, violations, secrets }: FuzzReport,
): void {
  const what = `${route.operationId}: ${JSON.stringify(request).slice(0, 1_000)}`;
  if (answer.status >= 500) serverErrors.push(`${what} was answered ${answer.status}`);
  if (JSON.stringify(answer.body ?? '').includes(PART)) secrets.push(what);
  // The document has no answer to a method that a path does not support, or to a path that is no route.
  if (answer.status === 405 || isOfNoRoute(answer)) return;
  const difference = contradiction(route, answer.status, answer.body);
  if (difference !== undefined) violations.push(`${what} was answered ${answer.status}: ${difference}`);
}
