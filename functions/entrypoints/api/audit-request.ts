import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { Outcome } from '../../features/audit/record-act.ts';
import type { Actor } from '../../model/actor.ts';
import type { AuditData, AuditEntry, AuditTarget } from '../../model/audit-entry.ts';
import { makeId, nameSchema } from '../../model/identifiers.ts';
import { isoTime } from '../../platform/runtime/clock.ts';
import { idOfAct } from '../../platform/store/append-audit.ts';
import type { OpenAct } from '../../platform/store/open-acts.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Problem } from './problem.ts';
import { PROBLEM_STATUS } from './routes/problem-codes.ts';
import type { Audited, Route } from './routes/route.ts';

const MINUTE_MS = 60_000;

/** The id of a request, and where it came from. */
export type Origin = Pick<AuditEntry, 'requestId' | 'source'>;

/** What is known of a request when it is answered. */
export interface Seen {
  actor?: Actor;
  route?: Route;
  params?: Readonly<Record<string, string>>;
  /** True if the caller may use the route. */
  isAuthorized?: boolean;
  /** True if the operation has begun. Its entry is then the one of the request. */
  isRecorded?: boolean;
}

/** Returns the act of a request that is about to begin. */
export function actOf(
  store: Pick<Store<'audit'>, 'clock' | 'random'>,
  origin: Origin,
  audited: Audited,
  { actor, params, body }: { actor: Actor; params: Readonly<Record<string, string>>; body: unknown },
): OpenAct {
  const nowMs = store.clock.now();
  return {
    id: makeId(nowMs, store.random),
    at: isoTime(nowMs),
    type: typeOf(audited, body),
    namespace: params['namespace'],
    actor,
    target: targetOf(audited, params, body),
    ...origin,
  };
}

/** Returns the outcome of an operation that was answered: with the name and id that the answer has. */
export function outcomeOf(audited: Audited, body: unknown, answer: unknown): Outcome {
  const [name, id] = [textIn(answer, 'name'), textIn(answer, 'id') ?? textIn(answer, 'fleetId')];
  return {
    result: 'succeeded',
    target: { ...(name === undefined ? {} : { name }), ...(id === undefined ? {} : { id }) },
    ...factsOf(audited, body, answer),
  };
}

/** Returns the outcome of an operation that has thrown a problem. @param problem undefined for another error */
export function outcomeOfProblem(audited: Audited, body: unknown, problem: Problem | undefined): Outcome {
  return {
    ...(problem ? resultOf(problem) : { result: 'failed', code: 'internal-error' }),
    ...factsOf(audited, body, undefined),
  };
}

/**
 * Returns the entry of a request that was refused before its operation began; undefined if it gets none. Every refused
 * change has an entry, and every request whose caller lacks the role or the namespace. Entries of refusals that are alike
 * within a minute have the same time and id, so that one stands for all of them: a client that repeats a request does not
 * fill the log.
 */
export function refusalOf(
  nowMs: number,
  event: APIGatewayProxyEventV2,
  { actor, route, params = {}, isAuthorized = false, isRecorded = false }: Seen,
  problem: Problem,
): AuditEntry | undefined {
  if (!actor || !route || isRecorded) return undefined;
  const { audited } = route;
  if (isAuthorized && !audited) return undefined;
  // The caller may not have the namespace in the path, or the text may be no name. The deployment's log then tells of the
  // request.
  const named = nameSchema.safeParse(params['namespace']).data;
  const namespace = isAuthorized || problem.code === 'forbidden' ? named : undefined;
  const type = audited ? typeOf(audited, undefined) : 'api.read';
  const target: AuditTarget = audited
    ? targetOf(audited, params, undefined)
    : { kind: 'path', name: event.rawPath };
  return alike(nowMs, {
    type,
    ...(namespace === undefined ? {} : { namespace }),
    actor,
    target,
    ...resultOf(problem),
    ...originOf(event),
    ...(namespace === undefined && params['namespace'] !== undefined
      ? { data: { namespace: params['namespace'] } }
      : {}),
  });
}

/** Returns the entry of a request whose API key exists, and was refused. The key need not have sent the request. */
export function refusedKeyOf(
  nowMs: number,
  event: APIGatewayProxyEventV2,
  { id, because }: { id: string; because: string },
): AuditEntry {
  return alike(nowMs, {
    type: 'api-key.authenticate',
    actor: { kind: 'key', name: id },
    target: { kind: 'api-key', id },
    result: 'refused',
    code: 'unauthorized',
    ...originOf(event),
    data: { because },
  });
}

function alike(nowMs: number, entry: Omit<AuditEntry, 'id' | 'at'>): AuditEntry {
  const at = isoTime(nowMs - (nowMs % MINUTE_MS));
  const { type, namespace = '', actor, target, code = '', data = {} } = entry;
  const id = idOfAct(at, type, namespace, actor.kind, actor.name, JSON.stringify([target, data]), code);
  return { at, id, ...entry };
}

function resultOf({ code }: Problem): Pick<AuditEntry, 'result' | 'code'> {
  return { result: PROBLEM_STATUS[code] >= 500 ? 'failed' : 'refused', code };
}

/** Returns the id of a request, and where it came from. */
export function originOf({ requestContext }: APIGatewayProxyEventV2): Origin {
  const { requestId, http } = requestContext;
  return {
    requestId,
    source: { ip: http.sourceIp, ...(http.userAgent ? { userAgent: http.userAgent } : {}) },
  };
}

function typeOf({ type, by }: Audited, body: unknown): string {
  const verb = by === undefined ? undefined : textIn(body, by);
  return verb === undefined ? type : `${type.slice(0, type.indexOf('.'))}.${verb}`;
}

function targetOf(
  { kind, param, field = 'name' }: Audited,
  params: Readonly<Record<string, string>>,
  body: unknown,
) {
  const name = param === undefined ? textIn(body, field) : params[param];
  return { kind, ...(name === undefined ? {} : { name }) };
}

function factsOf({ facts = [] }: Audited, body: unknown, answer: unknown): { data?: AuditData } {
  const found = facts.flatMap((name) => {
    const value = valueIn(body, name) ?? valueIn(answer, name);
    if (Array.isArray(value)) return [[name, value.join(' ')] as const];
    const isFact = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    return isFact ? [[name, value] as const] : [];
  });
  return found.length === 0 ? {} : { data: Object.fromEntries(found) };
}

const valueIn = (record: unknown, name: string): unknown =>
  typeof record === 'object' && record !== null && !Array.isArray(record)
    ? Object.entries(record).find(([key]) => key === name)?.[1]
    : undefined;

function textIn(record: unknown, name: string): string | undefined {
  const value = valueIn(record, name);
  return typeof value === 'string' ? value : undefined;
}
