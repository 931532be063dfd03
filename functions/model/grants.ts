import {
  ALL_NAMESPACES,
  ALL_RIGHTS,
  coversNamespaces,
  isAtLeast,
  type Rights,
  ROLES,
  type Role,
} from './access.ts';

/** Returns what two rights both allow. Undefined if they have no namespace in common. */
export function commonRights(one: Rights, other: Rights): Rights | undefined {
  const role = isAtLeast(one.role, other.role) ? other.role : one.role;
  const [outer, inner] = one.namespaces.includes(ALL_NAMESPACES) ? [one, other] : [other, one];
  const namespaces = inner.namespaces.filter((name) => coversNamespaces(outer.namespaces, name));
  return namespaces.length === 0 ? undefined : { role, namespaces };
}

/** Returns the rights that count in one namespace: the highest role there. Undefined if no grant has the namespace. */
export function rightsIn(grants: readonly Rights[], namespace: string): Rights | undefined {
  const there = grants.filter(({ namespaces }) => coversNamespaces(namespaces, namespace));
  const role = ROLES.findLast((one) => there.some((grant) => grant.role === one));
  return role && { role, namespaces: namespacesAt(grants, role) };
}

/**
 * Returns the rights that count for a request that is about no namespace: the namespaces in which the caller has the role that
 * the request needs, and the lowest role that it has in them. Undefined if it has that role nowhere.
 */
export function rightsFor(grants: readonly Rights[], needs: Role): Rights | undefined {
  if (grants.some(({ role }) => role === ALL_RIGHTS.role)) return ALL_RIGHTS;
  const enough = grants.filter(({ role }) => isAtLeast(role, needs));
  const role = ROLES.find((one) => enough.some((grant) => grant.role === one));
  return role && { role, namespaces: namespacesAt(enough, role) };
}

/** Returns the highest role of all grants. */
export function highestRole(grants: readonly Rights[]): Role | undefined {
  return ROLES.findLast((one) => grants.some(({ role }) => role === one));
}

/** Returns the namespaces of all grants with at least this role, each once. */
function namespacesAt(grants: readonly Rights[], role: Role): string[] {
  const names = new Set(grants.flatMap((one) => (isAtLeast(one.role, role) ? one.namespaces : [])));
  return names.has(ALL_NAMESPACES) ? [ALL_NAMESPACES] : [...names];
}
