import type { Connection } from '../../model/connection.ts';
import type { InstanceRef } from '../../model/identifiers.ts';

/**
 * Keys of the tables `fleets` and `governor`. No table is scanned: items are read by key, by partition, or through an
 * index. `catalogue-keys.ts` has the keys of the table `catalogue`. The keys of the table `access` are in the files
 * that use them: `namespaces.ts`, `connections.ts`, `connection-shares.ts`, `api-keys.ts`,
 * `abandoned-secrets.ts`.
 *
 * A connection key is `<driver>/<namespace>/<name>`. `partitions.ts` says which partitions the function of a driver may
 * write.
 *
 * | item | pk | sk |
 * |---|---|---|
 * | the deployment's id; the beat of its tables; its removal | `DEPLOYMENT` | `ID`, `BEAT`, `ENDING` |
 * | fleet | `FLEET#<fleet>` | `META` |
 * | placement: a fleet's counters at one site | `FLEET#<fleet>` | `PLACEMENT#<connection key>#<location>` |
 * | on-demand seats: how many of a node group's limited on-demand instances exist | `FLEET#<fleet>` | `ON-DEMAND#<node group>` |
 * | spec: the accepted request, immutable | `SPEC#<fleet>` | `SPEC` |
 * | instance | `INST#<fleet>#<chunk>` | `<index>` |
 * | network resource of one fleet | `NET#<fleet>` | `<connection key>#<location>#<kind>#<name>` |
 * | membership: the shared network resources that a fleet uses at a site | `NET#<fleet>` | `<connection key>#<location>#membership` |
 * | shared network resource | `SHARED#<connection key>` | `<location>#HEAD#<identity>`; while it is removed, `<location>#REMOVING#<kind>#<name>` |
 * | shared network resource that was removed | `SHARED-GONE#<connection key>` | `<location>#<kind>#<name>` |
 * | taken address ranges of one block | `RANGES#<namespace>` | `<block>` |
 * | volume that outlives its machine | `VOL#<connection key>` | `<location>#<backend id>` |
 * | cap of an API key: what its fleets may cost together | `CAP#<key id>` | `RUNNING` |
 * | cap of an API key: removals of a day, and what was removed | `CAP#<key id>` | `REMOVALS#<day>`, `REMOVED#<day>#<fleet, or volume>` |
 * | name lock | `NS#<namespace>` | `NAME#<name>` |
 * | idempotency record | `NS#<namespace>` | `IDEM#<when the namespace was made>#<key>` |
 * | finding of the orphan sweep | `ORPHAN#<connection key>` | `<location>#<kind, or missing>#<backend id>` |
 * | hold: the machines that sweeps removed at a site in a day, and whether sweeps wait for an operator | `HOLD#<connection key>` | `<location>`, or `*` for all |
 * | requested sweep, its connections, its sites | `SWEEP#<sweep>` | `META`, `CONN#<connection>`, `SITE#<connection>#<location>` |
 * | governor: one kind of call at a site | `CALL#<connection key>#<location>` | `create`, `list`, `mutate` |
 * | governor: a connection's locations in use | `CONN#<connection key>` | `LOCATIONS` |
 * | governor: the calls that a connection is denied | `HEALTH#<driver>/<connection id>` | `DENIED` |
 * | governor: a connection's budgets | `CONN#<connection key>` | `BUDGET` |
 * | governor: error texts of a cloud that its driver could not classify | `CONN#<connection key>#WORDS#<creation time>` | hash |
 * | governor: an entry of a site's launch queue | `QUEUE#<connection key>#<location>#<part>` | `ENTRY#<tag>#<instance>` |
 * | governor: a fleet's latest tag in that queue | `QUEUE#<connection key>#<location>` | `FLEET#<fleet>` |
 * | seat of a waiting API request | `WAITING#<number>` | `SEAT` |
 * | poll loop of a site | `LOOP#<driver>` | `<connection key>#<location>` |
 */
export interface Key {
  pk: string;
  sk: string;
}

/** Maximum number of instances of a fleet in one partition. It limits how often one partition is written. */
export const INSTANCES_PER_PARTITION = 250;

/** Identifies a connection. A later connection of the same name has another id. */
export type Owner = Pick<Connection, 'driver' | 'id'>;

export const BY_NAMESPACE_INDEX = 'byNamespace';
/** Attributes in the index `byNamespace`. They show whether a fleet has ended, and which connections it uses. */
export const BY_NAMESPACE_ATTRIBUTES = ['fleetId', 'name', 'status', 'connections'] as const;

/**
 * Index that contains only the fleets with work under way, a hold that expires or a pending pause. All of them are in
 * one partition, `ACTIVE_PARTITION`.
 */
export const BY_ACTIVITY_INDEX = 'byActivity';
export const ACTIVE_PARTITION = 'ACTIVE';

export const BY_SITE_INDEX = 'bySite';
/** Attributes in the index `bySite`. A poll compares them with the cloud's list. */
export const BY_SITE_ATTRIBUTES = ['status', 'backendId', 'launchToken'] as const;

export const beatKey = (): Key => ({ pk: 'DEPLOYMENT', sk: 'BEAT' });
export const endingKey = (): Key => ({ pk: 'DEPLOYMENT', sk: 'ENDING' });
export const deploymentKey = (): Key => ({ pk: 'DEPLOYMENT', sk: 'ID' });
export const waitingSeatKey = (number: number): Key => ({ pk: `WAITING#${number}`, sk: 'SEAT' });

export const fleetKey = (fleetId: string): Key => ({ pk: `FLEET#${fleetId}`, sk: 'META' });
export const specKey = (fleetId: string): Key => ({ pk: `SPEC#${fleetId}`, sk: 'SPEC' });

export const PLACEMENT_PREFIX = 'PLACEMENT#';
export const placementKey = (fleetId: string, connectionKey: string, location: string): Key => ({
  pk: `FLEET#${fleetId}`,
  sk: `${PLACEMENT_PREFIX}${siteName(connectionKey, location)}`,
});

export const onDemandKey = (fleetId: string, nodeGroup: string): Key => ({
  pk: `FLEET#${fleetId}`,
  sk: `ON-DEMAND#${nodeGroup}`,
});

/** Returns the key of the workflow step that waits for a fleet's launches at a connection. */
export const AWAIT_PREFIX = 'AWAIT#';
export const awaitKey = (fleetId: string, connectionKey: string): Key => ({
  pk: `FLEET#${fleetId}`,
  sk: `${AWAIT_PREFIX}${connectionKey}`,
});

export function instanceKey({ fleetId, index }: InstanceRef): Key {
  return { pk: instancePartition(fleetId, index), sk: String(index).padStart(5, '0') };
}

export function instancePartition(fleetId: string, index: number): string {
  return `INST#${fleetId}#${Math.floor(index / INSTANCES_PER_PARTITION)}`;
}

export const networkPartition = (fleetId: string): string => `NET#${fleetId}`;
export const networkKey = (
  fleetId: string,
  connectionKey: string,
  location: string,
  kind: string,
  name: string,
): Key => ({ pk: networkPartition(fleetId), sk: `${siteName(connectionKey, location)}#${kind}#${name}` });

/** Returns the key of the record that says which shared network resources a fleet uses at a site. */
export const membershipKey = (fleetId: string, connectionKey: string, location: string): Key => ({
  pk: networkPartition(fleetId),
  sk: `${siteName(connectionKey, location)}#membership`,
});

export const sharedPartition = (connectionKey: string): string => `SHARED#${connectionKey}`;
/** Returns the key of the present shared network resource of an identity at a site. There is at most one. */
export const sharedHeadKey = (connectionKey: string, location: string, identity: string): Key => ({
  pk: sharedPartition(connectionKey),
  sk: `${location}#HEAD#${identity}`,
});
/** Returns the key of a shared network resource that is being removed. No fleet joins it any more. */
export const sharedRemovingKey = (
  connectionKey: string,
  location: string,
  kind: string,
  name: string,
): Key => ({ pk: sharedPartition(connectionKey), sk: `${location}#REMOVING#${kind}#${name}` });
export const sharedGoneKey = (connectionKey: string, location: string, kind: string, name: string): Key => ({
  pk: `SHARED-GONE#${connectionKey}`,
  sk: `${location}#${kind}#${name}`,
});
export const rangesPartition = (namespace: string): string => `RANGES#${namespace}`;
export const rangesKey = (namespace: string, block: string): Key => ({
  pk: rangesPartition(namespace),
  sk: block,
});
export const volumePartition = (connectionKey: string): string => `VOL#${connectionKey}`;
export const volumeKey = (volume: { connectionKey: string; location: string; backendId: string }): Key => ({
  pk: volumePartition(volume.connectionKey),
  sk: `${volume.location}#${volume.backendId}`,
});

export const nameKey = (namespace: string, name: string): Key => ({
  pk: `NS#${namespace}`,
  sk: `NAME#${name}`,
});
export const idempotencyKey = (namespace: string, key: string): Key => ({
  pk: `NS#${namespace}`,
  sk: `IDEM#${key}`,
});
export const namespacePartition = (namespace: string): string => `NS#${namespace}`;

/** Returns the name of a site, which is one connection at one location. */
export const siteName = (connectionKey: string, location: string): string => `${connectionKey}#${location}`;
/** Returns the key of the calls that a cloud denies to a connection. */
export const healthKey = ({ driver, id }: Owner): Key => ({ pk: `HEALTH#${driver}/${id}`, sk: 'DENIED' });

export const callKey = (connectionKey: string, location: string, kind: string): Key => ({
  pk: `CALL#${siteName(connectionKey, location)}`,
  sk: kind,
});
export const locationsKey = (connectionKey: string): Key => ({
  pk: `CONN#${connectionKey}`,
  sk: 'LOCATIONS',
});
/** Returns the partition of the error texts that the drivers could not classify, for one connection. */
export const wordsPartition = (owner: { connectionKey: string; createdAt: string }): string =>
  `CONN#${owner.connectionKey}#WORDS#${owner.createdAt}`;
export const wordsKey = (owner: { connectionKey: string; createdAt: string }, id: string): Key => ({
  pk: wordsPartition(owner),
  sk: id,
});
export const budgetKey = (connectionKey: string): Key => ({ pk: `CONN#${connectionKey}`, sk: 'BUDGET' });

/** Returns the key of the rates of calls over all locations of a connection. */
export const connectionCallsKey = (connectionKey: string): Key => ({
  pk: `CONN#${connectionKey}`,
  sk: 'CALLS',
});

/**
 * Returns the partition key of a site's launch queue. An earlier release divided the queues of fast sites among several
 * partitions, of which this is the first.
 */
export const queuePartition = (site: { connectionKey: string; location: string }): string =>
  `QUEUE#${siteName(site.connectionKey, site.location)}#0`;
export const QUEUE_ENTRY_PREFIX = 'ENTRY#';
export const queueSortKey = (tag: number, instance: string): string =>
  `${QUEUE_ENTRY_PREFIX}${String(tag).padStart(12, '0')}#${instance}`;
export const queueFleetKey = (site: { connectionKey: string; location: string }, fleetId: string): Key => ({
  pk: `QUEUE#${siteName(site.connectionKey, site.location)}`,
  sk: `FLEET#${fleetId}`,
});

export const loopPartition = (driver: string): string => `LOOP#${driver}`;
export const loopKey = (driver: string, connectionKey: string, location: string): Key => ({
  pk: loopPartition(driver),
  sk: siteName(connectionKey, location),
});

export const orphanPartition = (connectionKey: string): string => `ORPHAN#${connectionKey}`;
/**
 * Returns the key of a finding. A missing machine that is later found as an orphan has two findings: the finding with
 * the reason `missing` has a different sort key.
 */
export const orphanKey = (orphan: {
  connectionKey: string;
  location: string;
  kind: string;
  reason: string;
  backendId: string;
}): Key => ({
  pk: orphanPartition(orphan.connectionKey),
  sk: `${orphan.location}#${orphan.reason === 'missing' ? 'missing' : orphan.kind}#${orphan.backendId}`,
});

export const holdPartition = (connectionKey: string): string => `HOLD#${connectionKey}`;
export const holdKey = (connectionKey: string, location: string): Key => ({
  pk: holdPartition(connectionKey),
  sk: location,
});

export const sweepPartition = (sweepId: string): string => `SWEEP#${sweepId}`;
export const sweepKey = (sweepId: string, sk: string): Key => ({ pk: sweepPartition(sweepId), sk });
