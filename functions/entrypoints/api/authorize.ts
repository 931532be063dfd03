import { coversNamespaces, isAtLeast } from '../../model/access.ts';
import type { Caller } from '../../model/caller.ts';
import { plainText } from '../../model/plain-text.ts';
import { notFound, Problem } from './problem.ts';
import type { Route } from './routes/route.ts';

/** Maximum number of characters of a namespace that an error message repeats. */
const MAX_NAME_SHOWN = 200;

/**
 * Checks that a caller may use a route, by what the route needs. This is the only check of roles, for all routes.
 * Operations with `forCaller` leave out what their caller may not see.
 *
 * @param params the decoded parts of the path
 * @throws Problem 404 if the caller does not have the namespace in the path. The answer is that for a namespace that does
 *   not exist, and no table is read for it, so that the caller cannot find out whether the namespace exists.
 * @throws Problem 403 if the caller has the namespace, and its role is too low
 */
export function authorize(
  caller: Caller,
  { needs }: Pick<Route, 'needs'>,
  params: Readonly<Record<string, string>>,
): void {
  const namespace = params['namespace'];
  if (namespace !== undefined && !coversNamespaces(caller.namespaces, namespace))
    throw notFound(`namespace ${plainText(namespace, MAX_NAME_SHOWN)}`);
  if (isAtLeast(caller.role, needs)) return;
  throw new Problem(
    'forbidden',
    `the operation needs the role ${needs}, and yours is ${caller.role}: use an API key with that role`,
  );
}
