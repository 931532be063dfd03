import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { AcceptDeps } from '../../../features/fleets/create-fleet.ts';
import { inspectRefused } from '../../../features/fleets/resolve-request.ts';
import { awaitInstances } from '../../../features/instances/await-instances.ts';
import { listInstances, readInstance } from '../../../features/instances/instance-view.ts';
import type { Caller } from '../../../model/caller.ts';
import { fleetOfOne, type InstanceRequest } from '../../../model/fleet-request.ts';
import { instanceId, makeFleetId } from '../../../model/identifiers.ts';
import {
  fleetOfList,
  type InstanceListRequest,
  isInstanceList,
  MAX_LISTED_INSTANCES,
} from '../../../model/instance-list.ts';
import { MAX_WARNINGS } from '../../../model/warning.ts';
import { readSpec } from '../../../platform/store/fleets.ts';
import type { Store } from '../../../platform/store/store.ts';
import type { Inspection, Operation } from '../handle.ts';
import { type FieldError, notFound } from '../problem.ts';
import { accept } from './accept.ts';

export interface CreateInstanceDeps extends AcceptDeps {
  store: AcceptDeps['store'] & Store<'governor'>;
  /** Number of requests that may wait for instances at a time. */
  waitingRequests: number;
}

interface Asked<Body> {
  namespace: string;
  body: Body;
  idempotencyKey: string | undefined;
  waitSeconds?: number | undefined;
  caller?: Caller;
}

/** Returns the operation that creates a single machine, or a list of machines. */
export function createInstanceOperation(deps: CreateInstanceDeps): Operation<'createInstance'> {
  return async ({ params: { namespace }, body, ...input }) =>
    'instances' in body
      ? await createListed(deps, { ...input, namespace, body })
      : await createSingle(deps, { ...input, namespace, body });
}

async function createSingle(
  deps: CreateInstanceDeps,
  { namespace, body, idempotencyKey, waitSeconds, caller }: Asked<InstanceRequest>,
) {
  const { store } = deps;
  const { fleetId, ...replay } = await accept(deps, {
    namespace,
    request: fleetOfOne(body),
    idempotencyKey,
    caller,
    machines: { byGroup: [[body.name]] },
    inBody: (errors) => errors.map(ofSingle),
  });
  const waited = await wait(deps, [{ fleetId, index: 0 }], waitSeconds);
  const id = instanceId({ fleetId, index: 0 });
  const instance = await readInstance(store, namespace, id);
  if (!instance) throw notFound(`instance ${id}`);
  const { warnings = [] } = await readSpec(store, fleetId);
  return {
    body: { ...instance, warnings: warnings.map(ofSingle) },
    headers: { location: pathOf(namespace, id), ...waited },
    ...replay,
  };
}

/** Creates all machines of a list, or none: they are one fleet, which one transaction writes. */
async function createListed(
  deps: CreateInstanceDeps,
  { namespace, body, idempotencyKey, waitSeconds, caller }: Asked<InstanceListRequest>,
) {
  const { store } = deps;
  const usualName = `instances-${keyed(namespace, idempotencyKey) ?? makeFleetId(store.clock.now(), store.random)}`;
  const { request, names, namesByGroup, entriesByGroup } = fleetOfList(body, usualName);
  const inBody = ofEntries(entriesByGroup);
  const { fleetId, ...replay } = await accept(deps, {
    namespace,
    request,
    idempotencyKey,
    caller,
    machines: { byGroup: namesByGroup, inOrder: names },
    inBody,
  });
  const refs = names.map((_, index) => ({ fleetId, index }));
  const waited = await wait(deps, refs, waitSeconds);
  const page = await listInstances(store, namespace, fleetId, { limit: MAX_LISTED_INSTANCES });
  if (!page) throw notFound(`fleet ${fleetId}`);
  const byName = new Map(page.items.map((instance) => [instance.name, instance]));
  const { warnings = [] } = await readSpec(store, fleetId);
  return {
    body: {
      fleetId,
      name: request.name,
      items: names
        .flatMap((name) => byName.get(name) ?? [])
        .map((instance) => ({ ...instance, href: pathOf(namespace, instance.id) })),
      warnings: inBody(warnings).slice(0, MAX_WARNINGS),
    },
    headers: { location: `/v1/namespaces/${namespace}/fleets/${fleetId}/instances`, ...waited },
    ...replay,
  };
}

const pathOf = (namespace: string, id: string): string => `/v1/namespaces/${namespace}/instances/${id}`;

async function wait(
  { store, waitingRequests: seats }: CreateInstanceDeps,
  refs: Parameters<typeof awaitInstances>[1],
  waitSeconds: number | undefined,
): Promise<Record<string, string>> {
  const waited = waitSeconds && (await awaitInstances(store, refs, { seats, waitSeconds }));
  return waited ? { 'preference-applied': `wait=${waited}` } : {};
}

/** Returns the same text for a repeated request, so that a list without a name gets the same one. */
function keyed(namespace: string, idempotencyKey: string | undefined): string | undefined {
  if (idempotencyKey === undefined) return undefined;
  return createHash('sha256').update(`${namespace}#${idempotencyKey}`).digest('hex').slice(0, 16);
}

/**
 * Returns the check of a body that the schema refuses. The check compares the valid fields with the catalogue.
 */
export function inspectInstances(store: AcceptDeps['store']): Inspection {
  return async ({ namespace = '' }, body) => {
    if (!isInstanceList(body)) {
      const { name, ...group } = z.looseObject({}).safeParse(body).data ?? {};
      const found = await inspectRefused(store, namespace, { name, nodeGroups: [asGroup(group)] });
      return found.map(ofSingle);
    }
    const { name, instances } = remainsSchema.parse(body);
    const nodeGroups = instances.map(({ name: _name, count: _count, ...group }) => asGroup(group));
    const found = await inspectRefused(store, namespace, { name, nodeGroups });
    return ofEntries(nodeGroups.map((_, at) => [at]))(found);
  };
}

const remainsSchema = z.looseObject({
  instances: z.array(z.looseObject({}).catch({})).max(MAX_LISTED_INSTANCES).catch([]),
});

const asGroup = ({ location, ...group }: Readonly<Record<string, unknown>>) => ({
  ...group,
  locations: [location],
});

/**
 * Translates the pointer of an error in a fleet's body to a pointer into the body of a request for one
 * instance. The body of such a request has the fields of the node group at its top level, and one location.
 */
function ofSingle({ pointer, ...error }: FieldError): FieldError {
  const [, rest] = /^\/nodeGroups\/0(\/.*)?$/.exec(pointer) ?? [];
  return { pointer: rest === undefined ? pointer : ofMachine(rest), ...error };
}

/** Returns a pointer into the fields of one machine. A size that is too large is a matter of the connection's account. */
const ofMachine = (pointer: string): string =>
  pointer.replace(/^\/locations\/0$/, '/location').replace(/^\/size$/, '/connection');

/**
 * Returns a function that translates errors about node groups into errors about each of their entries in the list, sorted
 * by JSON pointer.
 */
function ofEntries(entries: readonly (readonly number[])[]) {
  return (errors: readonly FieldError[]): FieldError[] =>
    errors
      .flatMap(({ pointer, ...error }) => {
        const [, group, rest = ''] = /^\/nodeGroups\/(\d+)(\/.*)?$/.exec(pointer) ?? [];
        if (group === undefined)
          return [{ pointer: pointer === '/nodeGroups' ? '/instances' : pointer, ...error }];
        return (entries[Number(group)] ?? []).map((at) => ({
          pointer: `/instances/${at}${ofMachine(rest)}`,
          ...error,
        }));
      })
      .toSorted((a, b) => a.pointer.localeCompare(b.pointer, 'en', { numeric: true }));
}
