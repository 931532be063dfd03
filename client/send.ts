import { ApiProblem, ApiUnreachable } from './api-problem.ts';

/** What the client uses of its environment. Tests replace these functions. */
export interface Transport {
  fetch: typeof fetch;
  /** Waits for `ms` milliseconds. @throws Error when the signal is aborted before the time is over */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void>;
  /** Returns a random number from [0, 1), for jitter. */
  random(): number;
}

export interface ApiRequest {
  apiUrl: string;
  method: string;
  /** Path and query, which are appended to the API's address. */
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
  /** True if repeating the request has no further effect. */
  repeatable: boolean;
  /** True if the request removes an object and has no answer body. A retry then accepts 404 as success. */
  removes: boolean;
  signal: AbortSignal | undefined;
}

const MAX_ATTEMPTS = 5;
const ATTEMPT_TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 20_000;

/** Transient HTTP statuses. An answer with such a status does not tell whether the request had an effect. */
const PASSING: ReadonlySet<number> = new Set([502, 503, 504]);
/** HTTP status with which the API refuses a request before the request has any effect. */
const TOO_MANY = 429;

/**
 * Sends a request, and retries when a retry is safe and may succeed. After a 429, retries every request.
 * After 502, 503, 504, a time-out or a lost connection, retries only a repeatable request.
 *
 * @returns the answer's JSON; undefined if the answer has no JSON
 * @throws ApiProblem when the API refused the request
 * @throws ApiUnreachable when no answer came
 */
export async function send(transport: Transport, request: ApiRequest): Promise<unknown> {
  for (let attempts = 1; ; attempts += 1) {
    const last = attempts === MAX_ATTEMPTS;
    const outcome = await attempt(transport, request);
    let waitMs = transport.random() * FIRST_PAUSE_MS * 2 ** attempts;
    if ('lost' in outcome) {
      request.signal?.throwIfAborted();
      if (last || !request.repeatable) throw new ApiUnreachable(request.apiUrl, outcome.lost);
    } else {
      const { response, body } = outcome;
      if (response.ok) return body;
      const transient = response.status === TOO_MANY || (request.repeatable && PASSING.has(response.status));
      // An earlier attempt removed the object, but the answer to that attempt was lost.
      if (request.removes && response.status === 404 && attempts > 1) return undefined;
      if (last || !transient) throw new ApiProblem(response.status, body);
      waitMs = Math.max(waitMs, retryAfterMs(response));
    }
    await transport.pause(Math.min(waitMs, MAX_PAUSE_MS), request.signal);
  }
}

type Outcome = { response: Response; body: unknown } | { lost: unknown };

async function attempt({ fetch }: Transport, request: ApiRequest): Promise<Outcome> {
  const timeout = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS);
  try {
    const response = await fetch(`${request.apiUrl}${request.path}`, {
      method: request.method,
      headers: request.headers,
      // The API key must be sent only to the API's own address. Therefore redirects are not followed.
      redirect: 'manual',
      signal: request.signal ? AbortSignal.any([request.signal, timeout]) : timeout,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    return { response, body: jsonOf(await response.text()) };
  } catch (lost) {
    return { lost };
  }
}

/** Parses JSON. Returns undefined for other text, such as a proxy's page. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'));
  return Number.isFinite(seconds) ? seconds * 1_000 : 0;
}
