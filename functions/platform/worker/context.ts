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

/** A changed limit profile or credential is in force everywhere after this. */
export const CONNECTION_KEPT_MS = 60_000;

/** What the caller of a driver's method allows its requests. */
export interface CallTerms {
  /** How long the first request waits for a permit, in milliseconds; absent: not at all. */
  waitMs?: number;
  /** How long each further request waits, once one was permitted; absent: 10 seconds. */
  furtherMs?: number;
  /** Is called when the first request has its permit. */
  onPermit?: () => void;
  /** Machines whose creation the governor has permitted already, each with its slot and time. */
  creates?: number;
}

/** A connection with its client open. */
export interface OpenConnection {
  connection: Connection;
  limits: LimitProfile;
  /** Each request of it has a permit, or the method fails with NoPermit before it has begun. */
  client: CloudClient;
  /** The same client for a caller that waits for permits, or that has those of creates. */
  onTerms(terms: CallTerms): CloudClient;
}

/** A fleet's immutable part, as worked out once per process. */
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

/** Answers to workflow steps that wait. Answering a token that is used up or timed out is harmless. */
export interface Tasks {
  succeed(taskToken: string, output: Record<string, unknown>): Promise<void>;
  /** @param error a name that the state machine's Retry and Catch match */
  fail(taskToken: string, error: string, cause: string): Promise<void>;
  /**
   * Tells a step that its work still waits for its turn, so that its time-out does not count that.
   *
   * @returns whether anybody waits with this token
   */
  heartbeat(taskToken: string): Promise<boolean>;
}

export interface Log {
  info(message: string, detail?: Record<string, unknown>): void;
  warn(message: string, detail?: Record<string, unknown>): void;
  error(message: string, detail?: Record<string, unknown>): void;
}

/** What the worker of one driver works with; tests and simulations bring their own. */
export interface WorkerContext {
  store: Store<'fleets' | 'governor' | 'access' | 'catalogue'>;
  driver: Driver;
  /** Tells this deployment from any other with the same id, at the accounts that it works in. */
  writerId: string;
  /** How often the tables were set back to an earlier time, as far as is known. */
  restores(): Promise<number>;
  /** The deployment's id, from the data. It never changes. */
  deploymentId(): Promise<string>;
  /** After which Lambda ends an invocation, and with it whatever it was at. */
  timeLimitMs: number;
  /** The invocation under way: a process has one at a time. */
  invocation: { endsAtMs: number };
  /** Opens a connection, from a cache that lives as long as the process, a minute at most. */
  open(connectionKey: string): Promise<OpenConnection>;
  /** Opens a client for a connection as it is given, by no cache: with a credential that is not in force. */
  openWith(connection: Connection): Promise<OpenConnection>;
  /** Forgets a cached connection, since its credential was refused or has changed. */
  forget(connectionKey: string): void;
  layout(fleetId: string): Promise<FleetLayout>;
  /**
   * The ready network resources of a fleet at a site; empty until all that were asked for are ready. Kept for a round
   * of launching, since they may be removed and made anew before the next.
   */
  networks(fleetId: string, site: SiteRef, round: number): Promise<NetworkItem[]>;
  /** Sends a message to this driver's queue. @param delayMs rounded up to seconds, 15 minutes at most */
  send(message: DriverMessage, delayMs: number): Promise<void>;
  /** Has messages that failed come back after some time. @throws Error they come back by the queue's time-out then */
  hide(messages: readonly Held[]): Promise<void>;
  tasks: Tasks;
  /** Tells the world of what happened. @throws Error when it could not: the caller sees to it that it is told later */
  publish(events: readonly DomainEvent[]): Promise<void>;
  /** Sites whose poll loop this process found running, and until when that is as good as certain. */
  loopsSeen: Map<string, number>;
  /** How long messages of this process back off while a service of AWS does not work. */
  backoff: Backoff;
  log: Log;
}

/**
 * Result of a message: acknowledged, or requeued after some time, perhaps as another message that says what is left.
 */
export type MessageResult = { done: true } | { done: false; waitMs: number; as?: DriverMessage };
export const ACK: MessageResult = { done: true };
export const requeueAfter = (waitMs: number): MessageResult => ({ done: false, waitMs });
export const requeueAs = (as: DriverMessage, waitMs: number): MessageResult => ({ done: false, waitMs, as });

/** Between a worker's last write and its end lies its time limit; this is for clocks and for ending. */
const CLAIM_MARGIN_MS = 10_000;

/** How long a worker has a claim: longer than it can live. */
export const claimMsOf = ({ timeLimitMs }: Pick<WorkerContext, 'timeLimitMs'>): number =>
  timeLimitMs + CLAIM_MARGIN_MS;

/** What is left of the invocation's time, in milliseconds. */
export const timeLeftMs = ({ invocation, store }: Pick<WorkerContext, 'invocation' | 'store'>): number =>
  Math.max(0, invocation.endsAtMs - store.clock.now());

export function governed({ connectionKey, location }: SiteRef, { limits }: OpenConnection): GovernedSite {
  return { connectionKey, location, limits };
}
