import type { Admission } from './admission.ts';
import { listImages, listLocations, listOffers, listReservations } from './catalogue.ts';
import type { CloudConfig } from './config.ts';
import { createInstance } from './create-instance.ts';
import { type ActiveFault, faultDelayMs } from './faults.ts';
import {
  findInstances,
  getInstance,
  instanceView,
  listInstances,
  powerInstance,
  terminateInstance,
} from './instances.ts';
import { answeredAtMs, createInstances, terminateInstances } from './many-instances.ts';
import { deleteNote, listNotes, putNote, refuseWithoutRight } from './notes.ts';
import { listPrepared } from './prepared.ts';
import { quotasOf } from './quotas.ts';
import type { Reply } from './reply.ts';
import { METERED_ACTIONS, type MeteredAction, type Operation } from './requests.ts';
import { deleteResource, ensureResource, findResource, listResources, resourceView } from './resources.ts';
import { deleteVolume, listVolumes } from './volumes.ts';
import type { Target, World } from './world.ts';

/** What a connection's limits call the calls that a cloud counts apart: the names that driver `sim` gives them. */
const ACTION_NAMES: Readonly<Record<MeteredAction, string>> = {
  terminate: 'sim:DELETE instances',
  stop: 'sim:POST instances stop',
  start: 'sim:POST instances start',
};

/** Returns the limits that a cloud enforces, in the words of a connection's limits. Null: the cloud has no such limit. */
export function enforcedLimits({ slots, rates, instancesPerCall }: CloudConfig) {
  const { create, list, mutate, instances, actions = {} } = rates;
  return {
    concurrentLocations: slots.locations ?? null,
    concurrentInstancesPerLocation: slots.instancesPerLocation ?? null,
    calls: { create, list, mutate },
    instances: instances ?? null,
    machinesPerCall: instancesPerCall,
    actions: Object.fromEntries(
      METERED_ACTIONS.flatMap((name) => (actions[name] ? [[ACTION_NAMES[name], actions[name]]] : [])),
    ),
  };
}

/** Performs an admitted call. @throws Refusal */
export function perform(
  world: World,
  admission: Admission,
  target: Target,
  operation: Operation,
  fault: ActiveFault | undefined,
): Reply {
  const { cloud, site, nowMs } = target;
  const ok = (body: object, status = 200, atMs = nowMs): Reply => ({ kind: 'answer', atMs, status, body });
  const staleMs = fault?.kind === 'staleList' ? faultDelayMs(fault) : 0;
  const viewedAtMs = nowMs - cloud.listDelayMs - staleMs;
  switch (operation.call) {
    case 'verify':
      return ok({ account: site.key.account, limits: enforcedLimits(cloud) });
    case 'listNotes':
      refuseWithoutRight(world, target);
      return ok(listNotes(world, target, operation.prefix));
    case 'putNote':
      refuseWithoutRight(world, target);
      putNote(world, target, operation.name, operation.value);
      return ok({});
    case 'deleteNote':
      refuseWithoutRight(world, target);
      deleteNote(world, target, operation.name);
      return ok({});
    case 'locations':
      return ok(listLocations(world, site.key.cloud, cloud));
    case 'offers':
      return ok(listOffers(world, target, operation.page));
    case 'listReservations':
      return ok(listReservations(target));
    case 'listQuotas':
      return ok({ items: cloud.showsQuotas ? quotasOf(target) : [] });
    case 'listPrepared':
      return ok(listPrepared(target, operation.kind));
    case 'images':
      return ok(listImages(world, target, operation.page));
    case 'create': {
      const effects = {
        failsToBoot: fault?.kind === 'bootFailure',
        twice: fault?.kind === 'duplicateEffect',
        leavesVolumes: fault?.kind === 'leaveVolumes',
      };
      if ('inputs' in operation) {
        const { body, atMs } = createInstances(world, admission, target, operation.inputs, effects);
        return ok(body, 201, atMs);
      }
      const { record, isNew } = createInstance(world, admission, target, operation.input, effects);
      const atMs = answeredAtMs(target, record);
      return ok(instanceView(cloud, record, atMs), isNew ? 201 : 200, atMs);
    }
    case 'list':
      return ok(listInstances(world, target, operation, viewedAtMs));
    case 'find':
      return ok({ items: findInstances(target, operation, viewedAtMs), nextCursor: null });
    case 'get':
      return ok(instanceView(cloud, getInstance(target, operation.backendId), nowMs));
    case 'terminate': {
      const stuckForMs = fault?.kind === 'stuckTerminating' ? faultDelayMs(fault) : 0;
      if ('backendIds' in operation)
        return ok(terminateInstances(world, target, operation.backendIds, stuckForMs), 202);
      const record = terminateInstance(world, target, operation.backendId, stuckForMs);
      return ok(instanceView(cloud, record, nowMs), 202);
    }
    case 'stop':
    case 'start':
    case 'reboot':
      return ok(
        instanceView(cloud, powerInstance(world, target, operation.backendId, operation.call), nowMs),
        202,
      );
    case 'ensure': {
      const { record, isNew } = ensureResource(world, target, operation.kind, operation.input);
      return ok(resourceView(cloud, record), isNew ? 201 : 200);
    }
    case 'findResource': {
      const record = findResource(site, operation.kind, operation.name);
      return ok({ items: record ? [resourceView(cloud, record)] : [], nextCursor: null });
    }
    case 'listResources':
      return ok(listResources(world, target, operation.kind, operation, operation.page));
    case 'listVolumes':
      return ok(listVolumes(world, target, operation, operation.page, viewedAtMs));
    case 'deleteVolume':
      deleteVolume(world, target, operation.backendId);
      return ok({});
    case 'deleteResource':
      deleteResource(world, target, operation.kind, operation.backendId);
      return ok({});
  }
}
