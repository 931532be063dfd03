import type { DriverName } from '../../model/connection.ts';
import type { Tables } from './store.ts';

/**
 * Partition keys of one table that a function may use. A `*` at the end stands for any text. `reads` and `writes` are
 * absent if all partitions are allowed.
 */
export interface Partitions {
  readonly reads?: readonly string[];
  /** Partitions of writes, and of condition checks in transactions. */
  readonly writes?: readonly string[];
}

export type PartitionsByTable = Readonly<Partial<Record<keyof Tables, Partitions>>>;

const both = (partitions: readonly string[]): Partitions => ({ reads: partitions, writes: partitions });

/** What each function writes that appends to the audit log. No function changes or deletes an entry. */
export const AUDIT_PARTITIONS: Partitions = { reads: ['LOGS'], writes: ['LOG#*', 'LOGS'] };

/**
 * Returns the partitions that the function of a driver may use. Keys of connections begin with the driver, so that no
 * driver changes connections, catalogues, limits, findings or sweep holds of another one. No driver reaches API keys,
 * namespaces, accepted specs or name locks.
 *
 * A fleet may be on clouds of several drivers. Therefore all of them write the partitions of fleets, instances and
 * network resources. The address ranges of a namespace's shared networks differ over all its connections. Therefore all
 * drivers write these, too.
 */
export function partitionsOfDriver(driver: DriverName): PartitionsByTable {
  return {
    access: {
      // A verification also reads which deleted connections had the account.
      reads: ['ABANDONED-SECRETS', `CONNECTIONS#${driver}`],
      writes: [`CONNECTIONS#${driver}`],
    },
    catalogue: both([`CATALOGUE#${driver}/*`]),
    governor: both([
      `CALL#${driver}/*`,
      `CONN#${driver}/*`,
      `HEALTH#${driver}/*`,
      `LOOP#${driver}`,
      `QUEUE#${driver}/*`,
    ]),
    audit: AUDIT_PARTITIONS,
    fleets: {
      writes: [
        'FLEET#*',
        `HOLD#${driver}/*`,
        'INST#*',
        'NET#*',
        `ORPHAN#${driver}/*`,
        'RANGES#*',
        `SHARED#${driver}/*`,
        `SHARED-GONE#${driver}/*`,
        'SWEEP#*',
        `VOL#${driver}/*`,
      ],
    },
  };
}

/**
 * The deployment's id. On AWS, a custom resource writes it. On the local engine, the first worker that needs it does.
 */
export const DEPLOYMENT_ID_PARTITIONS: Partitions = { writes: ['DEPLOYMENT'] };

/** Partitions of functions that change connections and namespaces, but no API keys. */
const CONNECTION_PARTITIONS = ['ABANDONED-SECRETS', 'CONNECTIONS#*', 'NAMESPACES', 'SHARES#*'];

/** Address ranges of shared networks. The deletion of a connection, and the end of a share, free those that are reserved. */
export const RANGE_PARTITIONS: Partitions = { writes: ['RANGES#*'] };

/** Records of kept volumes. The deletion of a connection deletes those whose disks are to be forgotten. */
export const VOLUME_PARTITIONS: Partitions = { writes: ['VOL#*'] };

/** The operations about connections. They read API keys, to check those of requests. */
export const PARTITIONS_OF_CONNECTIONS = {
  access: { writes: CONNECTION_PARTITIONS },
  fleets: RANGE_PARTITIONS,
} satisfies PartitionsByTable;

/** The schedule that finishes interrupted changes of connections and namespaces. */
export const PARTITIONS_OF_FINISH_CHANGES = {
  access: both(CONNECTION_PARTITIONS),
  fleets: RANGE_PARTITIONS,
} satisfies PartitionsByTable;

/** What the API's functions write of the audit log. They also note each act that begins. */
export const AUDIT_PARTITIONS_OF_API: Partitions = { reads: ['LOGS'], writes: ['LOG#*', 'LOGS', 'OPEN#*'] };
/** What the schedule needs that writes the entries of acts whose process ended. */
export const AUDIT_PARTITIONS_OF_RECONCILE: Partitions = {
  reads: ['LOGS', 'OPEN#*'],
  writes: ['LOG#*', 'LOGS'],
};
/** What the operations need that list the audit log. */
export const AUDIT_PARTITIONS_OF_LISTS: Partitions = { reads: ['LOG#*', 'LOGS'] };
/** Marks of what was exported. The function that exports entries gets them from the table's stream. */
export const EXPORT_MARK_PARTITIONS: Partitions = { reads: ['EXPORTED#*'], writes: ['EXPORTED#*'] };
/** Notes of acts that have begun. They are the only items of the audit log's table that a function may delete. */
export const OPEN_ACT_PARTITIONS: Partitions = { writes: ['OPEN#*'] };

/** Returns true if a pattern of `Partitions` stands for a partition key. IAM compares them in the same way. */
export function isPartitionOf(pattern: string, pk: string): boolean {
  return pattern.endsWith('*') ? pk.startsWith(pattern.slice(0, -1)) : pk === pattern;
}
