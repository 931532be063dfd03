import { createHash } from 'node:crypto';
import type { Namespace } from '../../model/access.ts';
import type { KeyCaps } from '../../model/caller.ts';
import type { NodeGroup } from '../../model/fleet.ts';
import type { FleetRequest } from '../../model/fleet-request.ts';
import { makeFleetId } from '../../model/identifiers.ts';
import { readEnding } from '../../platform/store/ending.ts';
import { readFleetItem } from '../../platform/store/fleets.ts';
import { type CapReached, runningCaps } from '../../platform/store/key-caps.ts';
import { type Answered, createFleet, type NewFleet, readReplay } from '../../platform/store/new-fleet.ts';
import type { Store } from '../../platform/store/store.ts';
import { resumeWork } from './begin-work.ts';
import type { RequestError } from './check-words.ts';
import { highestPriceOf } from './highest-price.ts';
import { resolveRequest } from './resolve-request.ts';
import type { Workflows } from './workflows.ts';

export interface AcceptDeps {
  store: Store<'fleets' | 'access' | 'catalogue'>;
  workflows: Workflows;
}

type Accepted =
  | Answered
  | { outcome: 'refused'; errors: RequestError[] }
  | { outcome: 'deployment-ending'; since: string }
  | { outcome: 'cap-reached'; reached: CapReached };

/**
 * Maximum number of attempts to resolve and write a request. An attempt fails if a connection of the fleet
 * changes during the attempt, or if the removal of the deployment is cancelled. After the last attempt, the request fails.
 */
const TRIES = 5;

/** A request for a fleet, with what its body does not say. */
export interface Asked {
  request: FleetRequest;
  idempotencyKey: string | undefined;
  /** Names of the machines. Absent: the request names none. */
  machines?: MachineNames | undefined;
  /** Caps of the API key that sends the request, and of its ancestors. Absent: none. */
  caps?: readonly KeyCaps[] | undefined;
}

/** Names of single machines, for requests that name them. */
export interface MachineNames {
  /** By node group, in the order of their positions. */
  byGroup: readonly (readonly string[])[];
  /** In the order of the request, if the request is a list. */
  inOrder?: readonly string[];
}

/**
 * Accepts a request: resolves it, writes the fleet's intent and starts its workflow. A replay (a request that
 * repeats a known idempotency key) is answered without resolving the request again, because the catalogue may
 * have changed. A replay also starts the workflow, in case the process of the first request died before
 * starting it.
 */
export async function acceptFleet(
  { store, workflows }: AcceptDeps,
  { name: namespace, createdAt }: Pick<Namespace, 'name' | 'createdAt'>,
  asked: Asked,
): Promise<Accepted> {
  const { request, idempotencyKey, machines } = asked;
  // The stored key contains the namespace's creation time. Keys of a deleted namespace therefore do not match
  // in a new namespace of the same name.
  const idempotency =
    idempotencyKey === undefined
      ? undefined
      : {
          key: `${createdAt}#${idempotencyKey}`,
          requestHash: hashOf(machines?.inOrder ? { request, machines } : request),
        };
  const replay = () => idempotency && readReplay(store, namespace, idempotency);
  const written = (await replay()) ?? (await writeFleet(store, namespace, asked, idempotency));
  // Another request with the same idempotency key may have been accepted while this request was resolved. The
  // refusal may then only mean that the fleet of that other request has the name.
  const outcome = written.outcome === 'refused' ? ((await replay()) ?? written) : written;
  if (outcome.outcome === 'created' || outcome.outcome === 'replayed') {
    const fleet = await readFleetItem(store, outcome.fleetId);
    if (fleet) await resumeWork(workflows, fleet);
  }
  return outcome;
}

async function writeFleet(
  store: AcceptDeps['store'],
  namespace: string,
  { request, machines, caps = [] }: Asked,
  idempotency: NewFleet['idempotency'],
): Promise<Accepted> {
  // Fields that are not part of the spec are written to the fleet's item. The type of the item makes the
  // compiler report a field that is forgotten.
  const { name, priority, nodeGroups: _asAsked, ...ofItem } = request;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const resolved = await resolveRequest(store, namespace, request);
    if ('errors' in resolved) {
      // The removal of the deployment deletes connections. A request that names such a connection is not wrong.
      const ending = await readEnding(store);
      if (ending) return { outcome: 'deployment-ending', since: ending.since };
      return { outcome: 'refused', errors: resolved.errors };
    }
    const { nodeGroups, networks, connections, warnings } = resolved;
    const price = runningCaps(caps).length > 0 ? highestPriceOf(nodeGroups) : undefined;
    if (price && 'errors' in price) return { outcome: 'refused', errors: price.errors };
    const fleetId = makeFleetId(store.clock.now(), store.random);
    const written = await createFleet(store, {
      spec: {
        fleetId,
        namespace,
        name,
        ...(priority === undefined ? {} : { priority }),
        ...(request.labels === undefined ? {} : { labels: request.labels }),
        nodeGroups: machines ? nodeGroups.map((group, at) => named(group, machines.byGroup[at])) : nodeGroups,
        networks,
        ...(warnings.length === 0 ? {} : { warnings }),
      },
      request: ofItem,
      idempotency,
      connections,
      capped: price && { caps, ...price },
    });
    if (written.outcome === 'deployment-ending') {
      const ending = await readEnding(store);
      if (ending) return { outcome: 'deployment-ending', since: ending.since };
    } else if (written.outcome !== 'connections-changed') return written;
  }
  throw new Error(
    `the fleet was not accepted: its connections in namespace ${namespace} changed ${TRIES} times in a row`,
  );
}

const named = (group: NodeGroup, machineNames: readonly string[] = []): NodeGroup => ({
  ...group,
  machineNames: [...machineNames],
});

/** Returns the same hash for two bodies that differ only in the order of their keys. */
function hashOf(request: object): string {
  return createHash('sha256').update(JSON.stringify(request, sortKeys)).digest('hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
