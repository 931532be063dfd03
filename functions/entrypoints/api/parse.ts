import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { bodyText } from './body-text.ts';
import { waitSecondsOf } from './prefer.ts';
import { type FieldError, fieldErrors, Problem } from './problem.ts';
import { queryErrors } from './query-errors.ts';
import type { Route } from './routes/route.ts';
import { jsonErrors } from './scan-json.ts';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

export interface ParsedRequest {
  params: unknown;
  query: unknown;
  body: unknown;
  idempotencyKey: string | undefined;
  /** Seconds that the caller wants to wait. Undefined: not at all. */
  waitSeconds: number | undefined;
}

/** The errors of a refused request, and the request's unchecked JSON body. */
export interface RefusedRequest {
  errors: FieldError[];
  body: unknown;
  /** True if the path has no error. Further checks need a valid path. */
  isPathSound: boolean;
}

/**
 * Parses path, query, headers and body of a request. Also refuses values that cannot be stored unchanged,
 * even if the schemas allow such values.
 *
 * @returns the parsed request, or the errors of all its parts together
 * @throws Problem 413, 415, and 400 for malformed JSON
 */
export function parseRequest(
  route: Route,
  params: Record<string, string>,
  event: APIGatewayProxyEventV2,
): ParsedRequest | RefusedRequest {
  const text = route.body ? bodyText(event) : undefined;
  const json = text === undefined ? undefined : parseJson(text);
  const unfit = text === undefined ? [] : jsonErrors(text);
  const query = event.queryStringParameters ?? {};
  const bodySchema = route.bodyOf?.(json) ?? route.body;
  const parsed = {
    params: route.params.safeParse(params),
    query: route.query.safeParse(query),
    body: unfit.some(({ code }) => code === 'too-deep') ? undefined : bodySchema?.safeParse(json),
  };
  const idempotencyKey = event.headers['idempotency-key'];
  const errors: FieldError[] = [
    ...(parsed.params.error ? fieldErrors(parsed.params.error, ([name]) => `{${String(name)}}`) : []),
    ...(parsed.query.error
      ? fieldErrors(parsed.query.error, ([name]) => `?${String(name)}`, { schema: route.query, value: query })
      : []),
    ...queryErrors(query, event.rawQueryString),
    ...unfit,
    ...(parsed.body?.error && bodySchema
      ? fieldErrors(parsed.body.error, undefined, { schema: bodySchema, value: json })
      : []
    ).filter(({ pointer }) => !unfit.some((one) => one.pointer === pointer)),
  ];
  if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
    errors.push({
      pointer: 'Idempotency-Key',
      code: 'invalid-format',
      message: 'must be 1 to 200 printable ASCII characters',
    });
  }
  if (errors.length > 0) return { errors, body: json, isPathSound: parsed.params.success };
  return {
    params: parsed.params.data,
    query: parsed.query.data,
    body: parsed.body?.data,
    idempotencyKey: route.idempotent ? idempotencyKey : undefined,
    waitSeconds: route.waits ? waitSecondsOf(event.headers['prefer']) : undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Only the position is taken from V8's message. The rest of the message may repeat a credential from the
    // body.
    const [at] = /at position \d+( \(line \d+ column \d+\))?/.exec(String(error)) ?? [];
    const why = at === undefined ? '' : `, ${at}`;
    throw new Problem('malformed-json', `the body is not valid JSON${why}`);
  }
}
