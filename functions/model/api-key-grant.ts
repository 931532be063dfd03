import {
  ALL_NAMESPACES,
  type ApiKeyCaps,
  type ApiKeyRequest,
  coversNamespaces,
  isAtLeast,
  type Rights,
} from './access.ts';
import type { FieldError } from './field-error.ts';

/** Who makes an API key: its rights, and when its own credentials expire. */
export interface Grantor extends Rights {
  /** ISO 8601. Absent: never. */
  expiresAt?: string | undefined;
}

/** An API key that is to be made, with everything that the request left out. */
export interface ApiKeyGrant extends Rights {
  name: string;
  caps?: ApiKeyCaps;
  expiresAt?: string;
}

/**
 * Completes a request for an API key with what its grantor has, and checks that the key does not exceed its grantor.
 *
 * @returns the grant, or the errors of the request
 */
export function grantApiKey(
  request: ApiKeyRequest,
  grantor: Grantor,
  nowMs: number,
): ApiKeyGrant | { errors: FieldError[] } {
  const namesSome = request.namespaces !== undefined && !request.namespaces.includes(ALL_NAMESPACES);
  const inherited = grantor.role === 'platform-admin' && namesSome ? 'admin' : grantor.role;
  const role = request.role ?? inherited;
  const namespaces = request.namespaces ?? grantor.namespaces;
  const expiresAt = request.expiresAt ?? grantor.expiresAt;
  const errors = [
    ...roleErrors({ role, namespaces }, grantor),
    ...namespaceErrors(namespaces, grantor),
    ...expiryErrors(request.expiresAt, grantor.expiresAt, nowMs),
  ];
  if (errors.length > 0) return { errors };
  return {
    name: request.name,
    role,
    namespaces,
    // A key without caps of its own needs none: what it does counts for the caps of its ancestors.
    ...(request.caps === undefined ? {} : { caps: request.caps }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function roleErrors({ role, namespaces }: Rights, grantor: Grantor): FieldError[] {
  const pointer = '/role';
  if (!isAtLeast(grantor.role, role)) {
    const message = `must not be above ${grantor.role}, which is the role of the caller`;
    return [{ pointer, code: 'exceeds-caller', message }];
  }
  if (role === 'platform-admin' && !namespaces.includes(ALL_NAMESPACES)) {
    const message =
      'must be admin or below for a key of some namespaces: a platform-admin has all namespaces';
    return [{ pointer, code: 'contradictory', message }];
  }
  return [];
}

function namespaceErrors(namespaces: readonly string[], grantor: Grantor): FieldError[] {
  return namespaces.flatMap((name, at): FieldError[] => {
    const pointer = `/namespaces/${at}`;
    if (namespaces.indexOf(name) < at)
      return [{ pointer, code: 'duplicate', message: 'must name each namespace only once' }];
    if (name === ALL_NAMESPACES && namespaces.length > 1)
      return [{ pointer, code: 'contradictory', message: 'must be alone: * means all namespaces' }];
    return coversNamespaces(grantor.namespaces, name)
      ? []
      : [{ pointer, code: 'exceeds-caller', message: 'must be a namespace of the caller' }];
  });
}

function expiryErrors(asked: string | undefined, latest: string | undefined, nowMs: number): FieldError[] {
  const pointer = '/expiresAt';
  if (asked === undefined) return [];
  if (Date.parse(asked) <= nowMs) return [{ pointer, code: 'in-the-past', message: 'must be in the future' }];
  if (latest === undefined || Date.parse(asked) <= Date.parse(latest)) return [];
  return [
    {
      pointer,
      code: 'exceeds-caller',
      message: `must not be later than ${latest}, up to which the caller may make keys`,
    },
  ];
}
