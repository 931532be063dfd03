import type { ApiKeyCaps, Rights } from './access.ts';
import type { Actor } from './actor.ts';
import type { Subject } from './binding.ts';

/** Who sends a request: who that is in events and audits, and what it may do. */
export interface Caller extends Rights {
  actor: Actor;
  /** ISO 8601. When the caller's credentials expire. Absent: never. */
  expiresAt?: string | undefined;
  /** The caps of the caller's API key and of its ancestors. All of them hold. Absent: there are none. */
  caps?: readonly KeyCaps[];
  /** The caller's API key. Absent: the caller has none. */
  key?: ParentKey;
  /** The user that the caller is, or that made the caller's key. Absent: the key was made with AWS rights. */
  user?: KeyUser | undefined;
}

/** Who sends a request, before the API knows what the request needs: with all rights of the caller. */
export interface Identity extends Omit<Caller, keyof Rights> {
  grants: readonly Rights[];
}

/** A user, as the keys that it makes refer to it. */
export interface KeyUser {
  actor: Actor;
  /** The user and its groups. Their bindings limit what the user's keys may do. */
  subjects: readonly Subject[];
}

/** The caps of one API key. */
export interface KeyCaps extends ApiKeyCaps {
  keyId: string;
}

/** An API key, as the keys that it makes refer to it. */
export interface ParentKey {
  id: string;
  /** Ids of the keys that this key ends with, from the first one to its parent. */
  ancestors: readonly string[];
}
