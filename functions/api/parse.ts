import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { MAX_REQUEST_BYTES } from '../model/fleet-request.ts';
import { type FieldError, fieldErrors, Problem } from './problem.ts';
import type { Route } from './route.ts';

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

export interface ParsedRequest {
  params: unknown;
  query: unknown;
  body: unknown;
  idempotencyKey: string | undefined;
}

/** What is wrong with a request, and its JSON as it came. */
export interface RefusedRequest {
  errors: FieldError[];
  body: unknown;
}

/**
 * Parses path, query, headers and body of a request.
 *
 * @returns all parts, or every offending field of all of them at once
 * @throws Problem 413, 415, and 400 for malformed JSON: there are no fields then
 */
export function parseRequest(
  route: Route,
  params: Record<string, string>,
  event: APIGatewayProxyEventV2,
): ParsedRequest | RefusedRequest {
  const json = route.body ? parseJson(bodyText(event)) : undefined;
  const parsed = {
    params: route.params.safeParse(params),
    query: route.query.safeParse(event.queryStringParameters ?? {}),
    body: route.body?.safeParse(json),
  };
  const idempotencyKey = event.headers['idempotency-key'];
  const errors: FieldError[] = [
    ...(parsed.params.error ? fieldErrors(parsed.params.error, ([name]) => `{${String(name)}}`) : []),
    ...(parsed.query.error ? fieldErrors(parsed.query.error, ([name]) => `?${String(name)}`) : []),
    ...(parsed.body?.error ? fieldErrors(parsed.body.error) : []),
  ];
  if (idempotencyKey !== undefined && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
    errors.push({
      pointer: 'Idempotency-Key',
      code: 'invalid-format',
      message: 'must be 1 to 200 printable ASCII characters',
    });
  }
  if (errors.length > 0) return { errors, body: json };
  return {
    params: parsed.params.data,
    query: parsed.query.data,
    body: parsed.body?.data,
    idempotencyKey: route.idempotent ? idempotencyKey : undefined,
  };
}

function bodyText(event: APIGatewayProxyEventV2): string {
  const type = event.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new Problem('unsupported-media-type', 'send the body as application/json');
  }
  const raw = event.body ?? '';
  const bytes = Buffer.from(raw, event.isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > MAX_REQUEST_BYTES) {
    throw new Problem(
      'body-too-large',
      `the body may have ${MAX_REQUEST_BYTES} bytes, it has ${bytes.length}`,
    );
  }
  return bytes.toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof SyntaxError ? `: ${error.message}` : '';
    throw new Problem('malformed-json', `the body is not JSON${why}`);
  }
}
