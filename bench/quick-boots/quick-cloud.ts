import { randomBytes } from 'node:crypto';
import type { ConnectionRequest } from '../../functions/model/connection.ts';
import type { LimitOverride } from '../../functions/model/limit-profile.ts';
import type { CreateLimits } from '../ideal/ideal-schedule.ts';
import type { Offered } from './cases.ts';

/** Maximum number of instances at a location that are accepted and not yet Running. */
export const SLOTS = 20;
/**
 * Maximum number of locations where an account creates instances at the same time. No case uses so many
 * locations.
 */
export const LOCATION_SLOTS = 30;

export const QUICK_DRIVERS = ['sim', 'cb-spider'] as const;
export type QuickDriver = (typeof QUICK_DRIVERS)[number];

export interface CloudOptions {
  bootSeconds: number;
  /**
   * Create calls per second at a location. The cloud allows this rate, and the connection's limits state it.
   */
  createsPerSecond: number;
  /**
   * Converts an address on this machine to an address at which the stack's functions reach the same server.
   */
  seenByFunctions(url: string): string;
}

/** The default create rates: the rate of the simulated AWS, and a rate for CB-Spider that delays no call. */
export const DEFAULT_CREATES: Readonly<Record<QuickDriver, number>> = { sim: 5, 'cb-spider': 50 };

export const CONNECTION_PREFIX = 'quick-boots-';

/** Returns a name that no earlier run used, because workers cache connections by name for a while. */
export function newConnectionName(): string {
  return `${CONNECTION_PREFIX}${randomBytes(4).toString('hex')}`;
}

/**
 * A cloud whose machines boot quickly. It serves only the benchmark, and runs in this process behind HTTP.
 */
export interface QuickCloud {
  connection: Pick<ConnectionRequest, 'name' | 'driver' | 'cloud' | 'credential'> & {
    endpoint: string;
    limits: LimitOverride;
  };
  offered: Offered;
  /** Limits for the ideal schedule, by the cloud's name. */
  limits: Readonly<Record<string, CreateLimits>>;
  /**
   * Returns the cloud's record in the form of `GET /_sim/books`, with the fields that `booksSchema` reads.
   */
  books(deploymentId: string): unknown;
  /** Counts the machines and network resources that exist. */
  countLeft(): number;
  close(): Promise<void>;
}
