import * as z from 'zod';
import { DriverError, type DriverErrorCode } from '../contract/errors.ts';
import { type CallEffect, unanswered } from '../contract/no-answer.ts';
import type { RateWords } from '../contract/retry-after.ts';
import { isQuotaWords, quotaOf } from './quota-words.ts';
import { REQUEST_LIMITS } from './request-limits.ts';

/**
 * Maps OpenStack's error codes to the codes of the driver contract. An OpenStack code is the key of Nova's fault, the
 * type of Neutron's error, or the title of an error of Keystone or Glance. Nova's `forbidden` has several meanings, for
 * example a missing right, a used-up quota or a request beyond a limit of Nova; see `FORBIDDEN`.
 */
const CODES: ReadonlyMap<string, DriverErrorCode> = new Map(
  Object.entries({
    badRequest: 'InvalidRequest',
    badMethod: 'InvalidRequest',
    badMediaType: 'InvalidRequest',
    unauthorized: 'Unauthorized',
    forbidden: 'Forbidden',
    itemNotFound: 'NotFound',
    conflictingRequest: 'Conflict',
    overLimit: 'Throttled',
    notImplemented: 'Unsupported',

    OverQuota: 'QuotaExceeded',
    IpAddressGenerationFailure: 'InsufficientCapacity',
    IpAddressGenerationFailureNoMatchingSubnet: 'InsufficientCapacity',
    ExternalIpAddressExhausted: 'InsufficientCapacity',
    NoNetworkAvailable: 'InsufficientCapacity',
    NetworkInUse: 'Conflict',
    SubnetInUse: 'Conflict',
    SubnetPoolInUse: 'Conflict',
    PortInUse: 'Conflict',
    RouterInUse: 'Conflict',
    SecurityGroupInUse: 'Conflict',
    SecurityGroupRuleExists: 'Conflict',
    IpAddressInUse: 'Conflict',
    IpAddressAlreadyAllocated: 'Conflict',
    RevisionNumberConstraintFailed: 'Conflict',
    NetworkNotFound: 'NotFound',
    SubnetNotFound: 'NotFound',
    PortNotFound: 'NotFound',
    RouterNotFound: 'NotFound',
    RouterInterfaceNotFound: 'NotFound',
    RouterInterfaceNotFoundForSubnet: 'NotFound',
    SecurityGroupNotFound: 'NotFound',
    SecurityGroupRuleNotFound: 'NotFound',
    HTTPNotFound: 'NotFound',
    InvalidInput: 'InvalidRequest',
    HTTPBadRequest: 'InvalidRequest',
    BadRequest: 'InvalidRequest',
    InvalidCIDR: 'InvalidRequest',
    PolicyNotAuthorized: 'Forbidden',
    NotAuthorized: 'Forbidden',
    AdminRequired: 'Forbidden',
    HTTPForbidden: 'Forbidden',
    HTTPNotImplemented: 'Unsupported',

    Unauthorized: 'Unauthorized',
    Forbidden: 'Forbidden',
  } as const),
);

/**
 * Contract codes by HTTP status, for an answer without a known error code. Such an answer may come from a load
 * balancer.
 */
const STATUSES: ReadonlyMap<number, DriverErrorCode> = new Map([
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
  // Nova answers with 406 if it does not support the microversion.
  [406, 'Unsupported'],
  [409, 'Conflict'],
  [413, 'Throttled'],
  [429, 'Throttled'],
  [501, 'Unsupported'],
]);

/**
 * Patterns for messages of Nova's `forbidden` and `overLimit` errors. Only the message tells what such an error means.
 */
const FORBIDDEN: readonly (readonly [RegExp, DriverErrorCode])[] = [
  ...REQUEST_LIMITS.map((words) => [words, 'InvalidRequest'] as const),
];

/** Cinder's words for a volume that a server uses, or that is changing. */
const VOLUME_IN_USE = /volume status must be|must not be (migrating|attached)/i;

const faultSchema = z.object({
  message: z.string(),
  title: z.string().exactOptional(),
  retryAfter: z.coerce.number().nonnegative().optional().catch(undefined),
});
const neutronSchema = z.object({
  NeutronError: z.union([
    z.object({ type: z.string(), message: z.string() }),
    z.string().transform((message) => ({ type: 'NeutronError', message })),
  ]),
});
const wrappedSchema = z
  .record(z.string(), z.unknown())
  .transform((body) => Object.entries(body))
  .pipe(z.tuple([z.tuple([z.string(), faultSchema])]))
  .transform(([[key, fault]]) => ({ ...fault, code: key === 'error' ? (fault.title ?? key) : key }));

/**
 * The `cloudCode` of each error that a refused token causes. If only a right is missing, the service answers with 403
 * instead.
 */
export const TOKEN_REFUSED = '401';

interface Fault {
  code?: string;
  message?: string;
  retryAfter?: number | undefined;
}

export interface ErrorAnswer {
  /** The call, for example `nova:POST /servers`. */
  call: string;
  status: number;
  text: string;
  /** The waiting time and the rate limit that the answer's headers state. */
  rate: RateWords;
}

/** Converts an error answer to a DriverError. */
export function errorOfAnswer({ call, status, text, rate }: ErrorAnswer, effect: CallEffect): DriverError {
  const fault = faultOf(text);
  const code = codeOf(status, fault, effect);
  const quota = code === 'QuotaExceeded' ? quotaOf(fault.message ?? '') : undefined;
  const inBody = fault.retryAfter === undefined ? {} : { retryAfterMs: fault.retryAfter * 1_000 };
  const words = fault.message?.trim() || `the service answered with status ${status}`;
  return new DriverError(code, `${call}: ${words}`, {
    answered: true,
    cloudCode: status === 401 ? TOKEN_REFUSED : (fault.code ?? String(status)),
    call,
    unknownWords: isUnknown(status, fault),
    ...(quota === undefined ? {} : { quota }),
    ...(code === 'Throttled' || code === 'Unavailable' ? { ...inBody, ...rate } : {}),
  });
}

function codeOf(status: number, { code, message }: Fault, effect: CallEffect): DriverErrorCode {
  // The error code of a 5xx does not tell what the service did before it failed.
  if (status >= 500 && code !== 'NoNetworkAvailable') return STATUSES.get(status) ?? unanswered(effect);
  if (code === 'forbidden' || code === 'overLimit') {
    const told = FORBIDDEN.find(([words]) => words.test(message ?? ''));
    if (told) return told[1];
    if (isQuotaWords(message ?? '')) return 'QuotaExceeded';
  }
  if (code === 'badRequest' && VOLUME_IN_USE.test(message ?? '')) return 'Conflict';
  return (code === undefined ? undefined : CODES.get(code)) ?? STATUSES.get(status) ?? 'InvalidRequest';
}

/**
 * Returns true if no table knows the words, so that the status alone decided. A server error with Nova's usual words
 * says nothing about the call, and counts as known.
 */
function isUnknown(status: number, { code, message = '' }: Fault): boolean {
  if (code === undefined || STATUSES.has(status)) return false;
  if (status >= 500) return !CODES.has(code) && !/unexpected api error|internal server error/i.test(message);
  return !CODES.has(code);
}

function faultOf(text: string): Fault {
  const body = jsonOf(text);
  const neutron = neutronSchema.safeParse(body).data?.NeutronError;
  if (neutron) return { code: neutron.type, message: neutron.message };
  const wrapped = wrappedSchema.safeParse(body).data;
  if (wrapped) return wrapped;
  const bare = faultSchema.safeParse(body).data;
  if (bare) return { message: bare.message, ...(bare.title === undefined ? {} : { code: bare.title }) };
  // Error answers of Glance and of load balancers are HTML.
  return { message: text.replace(/<head>.*?<\/head>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ') };
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
