import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { plainText } from '../../model/plain-text.ts';
import { type OperationId, routes } from './contract.ts';
import { Problem } from './problem.ts';
import type { Route } from './routes/route.ts';

/** Maximum number of characters of an unknown path that an error message repeats. */
const MAX_PATH_SHOWN = 200;

type KnownRoute = Route & { operationId: OperationId };

const patterns = new Map<string, RegExp>(
  routes.map(({ path }) => [
    path,
    new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
  ]),
);

/**
 * Returns the route of a request and the decoded parts of its path.
 *
 * @param own the routes of this Lambda function; one of the API's functions also gets all requests that match
 *   no route
 * @throws Problem 404 or 405
 */
export function matchRoute(
  event: APIGatewayProxyEventV2,
  own: readonly KnownRoute[],
): { route: KnownRoute; params: Record<string, string> } {
  const path = event.rawPath.length > 1 ? event.rawPath.replace(/\/$/, '') : event.rawPath;
  const asked = event.requestContext.http.method;
  // A HEAD request is answered as a GET request, without the body.
  const method = asked === 'HEAD' ? 'GET' : asked;
  const samePath = routes.filter((route) => patterns.get(route.path)?.test(path));
  const route = own.find((one) => one.method === method && patterns.get(one.path)?.test(path));
  if (route) {
    const groups = patterns.get(route.path)?.exec(path)?.groups ?? {};
    return {
      route,
      params: Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decode(name, text)])),
    };
  }
  // With a trailing slash, the path can match a route of another function: this code ignores the slash, but
  // the gateway has found no route. The answer is the same as for an unknown path.
  if (samePath.length === 0 || samePath.some((one) => one.method === method))
    throw new Problem(
      'not-found',
      `the API has no path ${plainText(path, MAX_PATH_SHOWN)}; see GET /v1/openapi.json`,
    );
  const methods = new Set(samePath.flatMap((one) => (one.method === 'GET' ? ['GET', 'HEAD'] : [one.method])));
  const allowed = [...methods].join(', ');
  throw new Problem(
    'method-not-allowed',
    `${plainText(path, MAX_PATH_SHOWN)} does not support this method; use ${allowed}`,
    {
      headers: { allow: allowed },
    },
  );
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Problem('invalid-request', 'the percent-encoding of the path is not valid', {
      errors: [{ pointer: `{${name}}`, code: 'invalid-format', message: 'must be percent-encoded UTF-8' }],
    });
  }
}
