import { randomBytes } from 'node:crypto';
import type { ConnectionRequest } from '../../functions/model/connection.ts';
import type { LimitOverride } from '../../functions/model/limit-profile.ts';
import type { CreateLimits } from '../ideal/ideal-schedule.ts';
import type { Offered } from './cases.ts';

/** Instances of a location that may be between acceptance and Running together. */
export const SLOTS = 20;
/** Locations of an account with something under way together: more than any case has. */
export const LOCATION_SLOTS = 30;

export const QUICK_DRIVERS = ['sim', 'cb-spider'] as const;
export type QuickDriver = (typeof QUICK_DRIVERS)[number];

export interface CloudOptions {
  bootSeconds: number;
  /** Create calls a second at a location, of the cloud and of the connection. */
  createsPerSecond: number;
  /** An address of this machine as functions reach it. */
  seenByFunctions(url: string): string;
}

/** As the simulated AWS comes; and a CB-Spider server that holds nothing back. */
export const DEFAULT_CREATES: Readonly<Record<QuickDriver, number>> = { sim: 5, 'cb-spider': 50 };

export const CONNECTION_PREFIX = 'quick-boots-';

/** A name that no earlier run had: workers keep what they know of a connection by its name for a while. */
export function newConnectionName(): string {
  return `${CONNECTION_PREFIX}${randomBytes(4).toString('hex')}`;
}

/** A cloud with quick machines that serves the benchmark alone, in this process and over HTTP. */
export interface QuickCloud {
  connection: Pick<ConnectionRequest, 'name' | 'driver' | 'cloud' | 'credential'> & {
    endpoint: string;
    limits: LimitOverride;
  };
  offered: Offered;
  /** What the ideal schedule keeps, by the cloud's name. */
  limits: Readonly<Record<string, CreateLimits>>;
  /** As `GET /_sim/books` answers, as far as `booksSchema` reads it. */
  books(deploymentId: string): unknown;
  /** Machines and network resources that exist. */
  countLeft(): number;
  close(): Promise<void>;
}
