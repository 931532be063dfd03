import { isAtLeast, type Role } from '../../model/access.ts';
import type { Caller, Identity } from '../../model/caller.ts';
import { highestRole, rightsFor, rightsIn } from '../../model/grants.ts';
import { plainText } from '../../model/plain-text.ts';
import { notFound, Problem } from './problem.ts';
import type { Route } from './routes/route.ts';

/** Maximum number of characters of a namespace that an error message repeats. */
const MAX_NAME_SHOWN = 200;

/**
 * Checks that the sender of a request may use its route, by what the route needs. This is the only check of roles, for all routes.
 * Operations with `forCaller` leave out what their caller may not see.
 *
 * @param params the decoded parts of the path
 * @returns the caller, with the rights that count for this request
 * @throws Problem 404 if the caller does not have the namespace in the path. The answer is that for a namespace that does
 *   not exist, and no table is read for it, so that the caller cannot find out whether the namespace exists.
 * @throws Problem 403 if the caller has the namespace, and its role is too low
 */
export function authorize(
  { grants, ...identity }: Identity,
  { needs }: Pick<Route, 'needs'>,
  params: Readonly<Record<string, string>>,
): Caller {
  const namespace = params['namespace'];
  if (namespace === undefined) {
    const rights = rightsFor(grants, needs);
    return { ...identity, ...(rights ?? tooLow(needs, highestRole(grants))) };
  }
  const rights = rightsIn(grants, namespace);
  if (!rights) throw notFound(`namespace ${plainText(namespace, MAX_NAME_SHOWN)}`);
  if (!isAtLeast(rights.role, needs)) tooLow(needs, rights.role);
  return { ...identity, ...rights };
}

function tooLow(needs: Role, role: Role | undefined): never {
  throw new Problem(
    'forbidden',
    `the operation needs the role ${needs}, and yours is ${role}: use credentials with that role`,
  );
}
