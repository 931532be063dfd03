import { createHash } from 'node:crypto';
import { makeId } from '../../model/identifiers.ts';
import type { NetworkKind } from '../../platform/store/networks.ts';
import type { SharedItem } from '../../platform/store/shared-networks.ts';

const LETTERS = { network: 'n', 'key-pair': 'k', 'security-group': 's' } satisfies Record<
  NetworkKind,
  string
>;
const SHARED_NAME = /^shared[nks][0-9a-z]{16}$/;

/**
 * Makes the name of a shared network resource, which is its idempotency key. It has 23 characters, which is within the
 * limit of every driver. No two resources have the same name, also not the successor of a removed one: a late call for
 * the removed one could otherwise make a second resource of that name.
 */
export const makeSharedName = (kind: NetworkKind, nowMs: number, random: () => number): string =>
  `shared${LETTERS[kind]}${makeId(nowMs, random)}`;

/** Returns true if the name has the form of shared network resources. No fleet's own resource has that form. */
export const isSharedName = (name: string): boolean => SHARED_NAME.test(name);

/**
 * Returns the identity of a resource that the fleets of another namespace share among themselves. On a connection that is
 * shared, each namespace has network resources of its own.
 */
export const identityFor = (identity: string, guest: string | undefined): string =>
  guest === undefined ? identity : `${identity}@${guest}`;

/** Returns true if a shared resource has an identity, whichever namespace shares it. */
export const hasIdentity = (
  item: Pick<SharedItem, 'identity' | 'namespace'>,
  identity: string | undefined,
): boolean => identity !== undefined && item.identity === identityFor(identity, item.namespace);

/** Identity of the shared network of a site. Each namespace that uses the site has one (`identityFor`). */
export const NETWORK_IDENTITY = 'network';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Returns the identity of the security group with a set of rules. @param rules equal texts for equal rules */
export const securityGroupIdentity = (rules: string): string => `security-group#${digest(rules)}`;

/** Returns the identity of the key pair of a public key in OpenSSH format. Its comment does not matter. */
export function keyPairIdentity(publicKey: string): string {
  const [type = '', key = ''] = publicKey.trim().split(/\s+/);
  return `key-pair#${digest(`${type} ${key}`)}`;
}
