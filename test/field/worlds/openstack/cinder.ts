import * as z from 'zod';
import type { Call } from './nova.ts';
import { novaFault, type Project, type Volume } from './state.ts';

const makeSchema = z.object({
  volume: z.object({
    name: z.string(),
    size: z.number(),
    imageRef: z.string().optional(),
    volume_type: z.string().optional(),
    metadata: z.record(z.string(), z.string()).default({}),
  }),
});
const TYPES = ['ssd', 'hdd'];

/** Returns Cinder's routes. A key has method and path, and `*` in it matches any single part of a path. */
export function cinderRoutes(creationMs: number): Readonly<Record<string, (call: Call) => object>> {
  return {
    'GET volumes/detail': ({ project, query, nowMs }) => ({
      volumes: [...project.volumes.values()]
        .filter(({ name }) => name === (query.get('name') ?? name))
        .map((volume) => view(project, volume, nowMs)),
    }),
    'GET volumes/*': (call) => ({ volume: view(call.project, find(call), call.nowMs) }),
    'POST volumes': ({ project, body, nowMs }) => {
      const { volume: asked } = makeSchema.parse(body);
      const { volume_type: type = TYPES[0] } = asked;
      if (type !== undefined && !TYPES.includes(type)) {
        throw novaFault('itemNotFound', 404, `Volume type with name ${type} could not be found.`);
      }
      if (project.volumes.size >= (project.quota.volumes ?? Number.POSITIVE_INFINITY)) {
        const message = `VolumeLimitExceeded: Maximum number of volumes allowed (${project.quota.volumes}) exceeded for quota 'volumes'.`;
        throw novaFault('overLimit', 413, message);
      }
      const volume: Volume = {
        id: project.newId(),
        name: asked.name,
        sizeGb: asked.size,
        ...(type === undefined ? {} : { type }),
        metadata: asked.metadata,
        createdAtMs: nowMs,
        availableAtMs: nowMs + creationMs,
      };
      project.volumes.set(volume.id, volume);
      return { volume: view(project, volume, nowMs) };
    },
    'DELETE volumes/*': (call) => {
      const volume = find(call);
      const { project, nowMs } = call;
      const status = project.volumeStatus(volume, nowMs);
      if (status !== 'available' && status !== 'error') {
        const message =
          'Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots or be disassociated from snapshots after volume transfer.';
        throw novaFault('badRequest', 400, message);
      }
      project.volumes.delete(volume.id);
      return {};
    },
    'GET os-availability-zone': () => ({
      availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true } }],
    }),
  };
}

function find({ project, path: [, id = ''] }: Call): Volume {
  const found = project.volumes.get(id);
  if (found) return found;
  throw novaFault('itemNotFound', 404, `Volume ${id} could not be found.`);
}

function view(project: Project, volume: Volume, nowMs: number): object {
  const user = project.userOf(volume, nowMs);
  return {
    id: volume.id,
    name: volume.name,
    status: project.volumeStatus(volume, nowMs),
    size: volume.sizeGb,
    volume_type: volume.type ?? null,
    availability_zone: 'nova',
    created_at: new Date(volume.createdAtMs).toISOString().replace('Z', '000'),
    metadata: volume.metadata,
    attachments: user ? [{ server_id: user.id }] : [],
  };
}
