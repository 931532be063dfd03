import type { CloudClient, Driver } from '../../drivers/contract/driver.ts';
import type { Connection } from '../../model/connection.ts';
import type { Priority } from '../../model/fleet-request.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import type { GovernedSite } from '../governor/site.ts';
import type { Placement } from '../placement/lay-out.ts';
import type { NetworkItem } from '../store/networks.ts';
import type { Store } from '../store/store.ts';
import type { DriverMessage } from '../workflow/messages.ts';
import type { Backoff } from './backoff.ts';
import type { DomainEvent } from './events.ts';
import type { Held } from './message-queue.ts';

/**
 * How long a worker caches a connection. After this time, all workers use a changed limit profile or
 * credential.
 */
export const CONNECTION_KEPT_MS = 60_000;

/** Terms under which the requests of a driver's method get permits. */
export interface CallTerms {
  /** Longest wait of the first request for a permit, in ms; absent: it does not wait. */
  waitMs?: number;
  /**
   * Longest wait of each further request, after an earlier one was permitted, in ms; absent: 10 s, or `waitMs` if that
   * is longer. To give up then would waste the earlier call.
   */
  furtherMs?: number;
  /** Called when the first request has its permit. */
  onPermit?: () => void;
  /** Number of machines whose creation the governor has already permitted, each with a slot and a time. */
  creates?: number;
}

/** A connection with an open client. */
export interface OpenConnection {
  connection: Connection;
  limits: LimitProfile;
  /** A client that does not wait: a method whose first request gets no permit fails with NoPermit. */
  client: CloudClient;
  /** Returns the same client for a caller that waits for permits, or that has permits for creates. */
  onTerms(terms: CallTerms): CloudClient;
}

/** The part of a fleet that never changes, computed once per process. */
export interface FleetLayout {
  fleetId: string;
  namespace: string;
  priority: Priority;
  placements: Placement[];
}

export interface SiteRef {
  connectionKey: string;
  location: string;
}

/**
 * Completes the tasks of waiting workflow steps. To complete a task that was completed before or has timed out is
 * harmless.
 */
export interface Tasks {
  succeed(taskToken: string, output: Record<string, unknown>): Promise<void>;
  /** @param error a name that the state machine's Retry and Catch match */
  fail(taskToken: string, error: string, cause: string): Promise<void>;
  /**
   * Sends a heartbeat for a step whose work is still queued. The step then does not time out.
   *
   * @returns whether a step waits with this token
   */
  heartbeat(taskToken: string): Promise<boolean>;
}

export interface Log {
  info(message: string, detail?: Record<string, unknown>): void;
  warn(message: string, detail?: Record<string, unknown>): void;
  error(message: string, detail?: Record<string, unknown>): void;
}

/** Dependencies of one driver's worker; tests and simulations provide their own. */
export interface WorkerContext {
  store: Store<'fleets' | 'governor' | 'access' | 'catalogue'>;
  driver: Driver;
  /** Distinguishes this deployment from others with the same id that use the same accounts. */
  writerId: string;
  /** Returns how often the tables were restored to an earlier time, as far as it was detected. */
  restores(): Promise<number>;
  /** Returns the deployment's id, which the table has. It never changes. */
  deploymentId(): Promise<string>;
  /** Time limit after which Lambda ends any invocation. */
  timeLimitMs: number;
  /** The present invocation: a process has one at a time. */
  invocation: { endsAtMs: number };
  /** Opens a connection, from the process's cache, which keeps it for `CONNECTION_KEPT_MS`. */
  open(connectionKey: string): Promise<OpenConnection>;
  /** Opens a client for this connection without the cache, for a credential that is not in force. */
  openWith(connection: Connection): Promise<OpenConnection>;
  /** Removes a connection from the cache, because its credential was refused or has changed. */
  forget(connectionKey: string): void;
  layout(fleetId: string): Promise<FleetLayout>;
  /**
   * Reads the network resources of a fleet at a site; empty until all of them are Ready. They are cached for one round
   * of launching, because they may be removed and created again before the next.
   */
  networks(fleetId: string, site: SiteRef, round: number): Promise<NetworkItem[]>;
  /** Sends a message to this driver's queue. @param delayMs is rounded up to seconds; at most 15 minutes */
  send(message: DriverMessage, delayMs: number): Promise<void>;
  /**
   * Sets the time at which failed messages come back. @throws Error if SQS refuses; they then come back after the
   * queue's visibility time-out
   */
  hide(messages: readonly Held[]): Promise<void>;
  tasks: Tasks;
  /** Publishes events. @throws Error if not all were published; the caller makes sure that they are published later */
  publish(events: readonly DomainEvent[]): Promise<void>;
  /** Sites whose poll loop this process has seen running, with the time until which it relies on that. */
  loopsSeen: Map<string, number>;
  /** Computes how long messages of this process wait while a service of AWS fails. */
  backoff: Backoff;
  log: Log;
}

/**
 * Result of a message: acknowledged, or requeued after a time. With `as`, another message with the remaining work
 * replaces it.
 */
export type MessageResult = { done: true } | { done: false; waitMs: number; as?: DriverMessage };
export const ACK: MessageResult = { done: true };
export const requeueAfter = (waitMs: number): MessageResult => ({ done: false, waitMs });
export const requeueAs = (as: DriverMessage, waitMs: number): MessageResult => ({ done: false, waitMs, as });

/** Margin beyond the worker's time limit, for clocks that differ and for the end of the invocation. */
const CLAIM_MARGIN_MS = 10_000;

/** Returns how long a claim lasts, in ms: longer than its worker can live. */
export const claimMsOf = ({ timeLimitMs }: Pick<WorkerContext, 'timeLimitMs'>): number =>
  timeLimitMs + CLAIM_MARGIN_MS;

/** Returns the remaining time of the invocation, in milliseconds. */
export const timeLeftMs = ({ invocation, store }: Pick<WorkerContext, 'invocation' | 'store'>): number =>
  Math.max(0, invocation.endsAtMs - store.clock.now());

export function governed({ connectionKey, location }: SiteRef, { limits }: OpenConnection): GovernedSite {
  return { connectionKey, location, limits };
}
