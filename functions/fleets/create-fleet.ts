import { createHash } from 'node:crypto';
import type { FleetRequest } from '../model/fleet-request.ts';
import { makeFleetId } from '../model/identifiers.ts';
import type { Store } from '../store/client.ts';
import { type CreateFleetOutcome, createFleet, type NewFleet, readReplay } from '../store/create-fleet.ts';
import { readFleetItem } from '../store/fleets.ts';
import { resumeWork } from './begin-work.ts';
import type { RequestError } from './check-words.ts';
import { resolveRequest } from './resolve-request.ts';
import type { Workflows } from './workflows.ts';

export interface AcceptDeps {
  store: Store<'fleets' | 'access' | 'catalogue'>;
  workflows: Workflows;
}

/**
 * Accepts a request: resolves it, writes the fleet's intent, starts its workflow. A replay is answered before the
 * request is resolved again, since the catalogue may have changed; it starts the workflow again, in case the first
 * request died before it did.
 */
export async function acceptFleet(
  { store, workflows }: AcceptDeps,
  namespace: string,
  request: FleetRequest,
  idempotencyKey: string | undefined,
): Promise<CreateFleetOutcome | { outcome: 'refused'; errors: RequestError[] }> {
  const idempotency =
    idempotencyKey === undefined ? undefined : { key: idempotencyKey, requestHash: hashOf(request) };
  const outcome =
    (idempotency && (await readReplay(store, namespace, idempotency))) ??
    (await writeFleet(store, namespace, request, idempotency));
  if (outcome.outcome === 'created' || outcome.outcome === 'replayed') {
    const fleet = await readFleetItem(store, outcome.fleetId);
    if (fleet) await resumeWork(workflows, fleet);
  }
  return outcome;
}

async function writeFleet(
  store: AcceptDeps['store'],
  namespace: string,
  request: FleetRequest,
  idempotency: NewFleet['idempotency'],
): Promise<CreateFleetOutcome | { outcome: 'refused'; errors: RequestError[] }> {
  const resolved = await resolveRequest(store, namespace, request);
  if ('errors' in resolved) return { outcome: 'refused', errors: resolved.errors };
  const { name, description, labels, failurePolicy, minimumInstances, hold, priority } = request;
  const fleetId = makeFleetId(store.clock.now(), store.random);
  return await createFleet(store, {
    spec: {
      fleetId,
      namespace,
      name,
      ...(priority === undefined ? {} : { priority }),
      nodeGroups: resolved.nodeGroups,
    },
    request: { description, labels, failurePolicy, minimumInstances, hold },
    idempotency,
  });
}

/** The same for two bodies that mean the same, whatever the order of their keys. */
function hashOf(request: FleetRequest): string {
  return createHash('sha256').update(JSON.stringify(request, sortKeys)).digest('hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
