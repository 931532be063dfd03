import {
  ALL_NAMESPACES,
  type GrantedNamespaces,
  grantedNamespacesSchema,
} from '../../functions/model/access.ts';
import type { Context } from './context.ts';
import { usageError } from './exit.ts';

/** Returns the namespaces of an API key or a binding as a text for people. */
export const namespacesText = ({ namespaces }: { namespaces: readonly string[] }): string =>
  namespaces.includes(ALL_NAMESPACES) ? 'all' : namespaces.join(', ');

/** Returns the namespaces of `--namespace`, which may be repeated; none if it is not given. @throws CliError if one is no name */
export function givenNamespaces(context: Pick<Context, 'givenNamespaces'>): {
  namespaces?: GrantedNamespaces;
} {
  if (context.givenNamespaces.length === 0) return {};
  const parsed = grantedNamespacesSchema.safeParse(context.givenNamespaces);
  if (parsed.success) return { namespaces: parsed.data };
  throw usageError(
    'a value of --namespace is wrong',
    "Give --namespace NAME, once for each namespace, or --namespace '*' for all.",
    parsed.error.issues.map(({ message }) => `--namespace: ${message}`),
  );
}
