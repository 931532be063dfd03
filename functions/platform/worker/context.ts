import type { CloudClient, Driver } from '../../drivers/contract/driver.ts';
import type { Connection } from '../../model/connection.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import type { Priority } from '../../model/fleet-request.ts';
import type { LimitProfile } from '../../model/limit-profile.ts';
import { limitsAt } from '../../model/limits-in-force.ts';
import type { GovernedSite } from '../governor/site.ts';
import type { Placement } from '../placement/lay-out.ts';
import type { SiteResource } from '../store/site-networks.ts';
import type { Store } from '../store/store.ts';
import type { DriverMessage } from '../workflow/messages.ts';
import type { Backoff } from './backoff.ts';
import type { DomainEvent } from './events.ts';
import type { Held } from './message-queue.ts';

/**
 * Time for which a worker caches a connection. After a change of a limit profile or credential, it takes at most this
 * time until all workers use the new one.
 */
export const CONNECTION_KEPT_MS = 60_000;

/** Options that say how the requests of one call of a driver method get their permits. */
export interface CallTerms {
  /** Maximum time for which the first request waits for a permit, in ms; absent: it does not wait. */
  waitMs?: number;
  /**
   * Maximum time for which each later request waits for a permit, in ms; absent: 10 s, or `waitMs` if that is longer.
   * If a later request gets no permit in that time, the method fails after it has already made requests.
   */
  furtherMs?: number;
  /** Called when the first request has its permit. */
  onPermit?: () => void;
  /**
   * Numbers of create calls, and of machines, that the caller's permits cover. Further create calls need permits, but
   * machines that are covered are not counted again.
   */
  creates?: { calls: number; machines: number };
}

/** A connection with an open client. */
export interface OpenConnection {
  connection: Connection;
  limits: LimitProfile;
  /**
   * A client that does not wait for permits. If the first request of a method gets no permit, the method fails with
   * NoPermit.
   */
  client: CloudClient;
  /** Returns a client of this connection whose methods get permits on the given terms. */
  onTerms(terms: CallTerms): CloudClient;
}

/** The part of a fleet that never changes. Each process caches it. */
export interface FleetLayout {
  fleetId: string;
  namespace: string;
  name: string;
  /** Labels of the fleet. */
  labels: Readonly<Record<string, string>>;
  priority: Priority;
  /** The node groups of the request, in order. */
  nodeGroups: readonly NodeGroup[];
  placements: Placement[];
}

/** Settings of the deployment for network resources that fleets share. */
export interface SharedNetworkSettings {
  /** Time for which a resource that no fleet uses is kept, in ms. 0: it is removed together with its last user. */
  graceMs: number;
  /** CIDR from which shared networks get their address ranges. */
  pool: string;
}

export interface SiteRef {
  connectionKey: string;
  location: string;
}

/**
 * Completes the tasks of waiting workflow steps. Completing a task that was completed before or has timed out is
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

/** Dependencies of one driver's worker; tests and simulations provide other dependencies. */
export interface WorkerContext {
  store: Store<'fleets' | 'governor' | 'access' | 'catalogue' | 'audit'>;
  driver: Driver;
  /**
   * Id of this deployment's stack. It distinguishes deployments that have the same deployment id and use the same cloud
   * accounts.
   */
  writerId: string;
  /** Returns the number of detected restores of the tables to an earlier time. */
  restores(): Promise<number>;
  /** Returns the deployment's id, which is stored in the table `fleets`. It never changes. */
  deploymentId(): Promise<string>;
  /** Time after which Lambda ends any invocation, in ms. */
  timeLimitMs: number;
  /** The current invocation: a process runs only one at a time. `endsAtMs` is in ms since 1970. */
  invocation: { endsAtMs: number };
  /** Returns an open connection. The process caches it for `CONNECTION_KEPT_MS`. */
  open(connectionKey: string): Promise<OpenConnection>;
  /** Opens a connection without the cache. It is used to try a credential that is not in force yet. */
  openWith(connection: Connection): Promise<OpenConnection>;
  /** Removes a connection from the cache. Callers do this if its credential was refused or has changed. */
  forget(connectionKey: string): void;
  layout(fleetId: string): Promise<FleetLayout>;
  /**
   * Reads the network resources of a fleet at a site; empty until all of them are Ready. The answer is cached for one
   * round of launching, because the resources may be removed and created again before the next round.
   */
  networks(fleetId: string, site: SiteRef, round: number): Promise<SiteResource[]>;
  /** Forgets the cached answer of `networks`, because a resource may have been made again in the round. */
  forgetNetworks(fleetId: string, site: SiteRef, round: number): void;
  sharedNetworks: SharedNetworkSettings;
  /** Sends a message to this driver's queue. @param delayMs is rounded up to whole seconds, and cut to 15 minutes */
  send(message: DriverMessage, delayMs: number): Promise<void>;
  /**
   * Sets the delay after which SQS delivers failed messages again. @throws Error if SQS refuses. SQS then delivers the
   * messages after the queue's visibility time-out
   */
  hide(messages: readonly Held[]): Promise<void>;
  tasks: Tasks;
  /**
   * Publishes events. @throws Error if not all events were published; the caller must ensure that they are published
   * later
   */
  publish(events: readonly DomainEvent[]): Promise<void>;
  /**
   * Maps the name of each site to a time in ms since 1970. Until then, this process assumes that the site's poll loop
   * runs.
   */
  loopsSeen: Map<string, number>;
  /** Computes the delay of this process's messages while an AWS service fails. */
  backoff: Backoff;
  log: Log;
}

/**
 * What happens to a message after its handling: the message is deleted (`done`), or delivered again after `waitMs`.
 * With `as`, the message `as`, which describes the remaining work, is delivered in its place.
 */
export type MessageResult = { done: true } | { done: false; waitMs: number; as?: DriverMessage };
export const ACK: MessageResult = { done: true };
export const requeueAfter = (waitMs: number): MessageResult => ({ done: false, waitMs });
export const requeueAs = (as: DriverMessage, waitMs: number): MessageResult => ({ done: false, waitMs, as });

/**
 * Returns the result of a message that waits, and whose task may have timed out: each try of a workflow step sends a
 * message of its own. Without the look at the task, the messages of all tries would come back until the work is done,
 * and there would be more of them with each time-out.
 */
export async function requeueWhileAwaited(
  { tasks }: Pick<WorkerContext, 'tasks'>,
  taskToken: string,
  waitMs: number,
): Promise<MessageResult> {
  return (await tasks.heartbeat(taskToken)) ? requeueAfter(waitMs) : ACK;
}

/** Time by which a claim outlasts the worker's time limit, because the clocks of workers differ. */
const CLAIM_MARGIN_MS = 10_000;

/** Returns the duration of a claim, in ms. When a claim ends, the worker that made it has certainly ended. */
export const claimMsOf = ({ timeLimitMs }: Pick<WorkerContext, 'timeLimitMs'>): number =>
  timeLimitMs + CLAIM_MARGIN_MS;

/** Returns the remaining time of the invocation, in milliseconds. */
export const timeLeftMs = ({ invocation, store }: Pick<WorkerContext, 'invocation' | 'store'>): number =>
  Math.max(0, invocation.endsAtMs - store.clock.now());

export function governed({ connectionKey, location }: SiteRef, { limits }: OpenConnection): GovernedSite {
  return { connectionKey, location, limits: limitsAt(limits, location) };
}
