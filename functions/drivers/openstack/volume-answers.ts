import * as z from 'zod';
import type { CloudVolume } from '../contract/capabilities.ts';
import { INSTANCE_TAG } from '../contract/driver.ts';
import { type DiskIndex, parseDiskName } from '../contract/names.ts';
import { isOf } from './owner.ts';
import { LAUNCH_TOKEN_TAG } from './server-answers.ts';

/** Key of a volume's metadata that tells which disk of its server the volume is: `root`, or the number of a data disk. */
export const DISK_TAG = 'fleetwright:disk';

/** Cinder reports times in UTC without a time zone: `2026-01-01T00:00:00.000000`. */
const cinderTime = z
  .string()
  .transform((text) => Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`))
  .pipe(z.number());

export const volumeSchema = z.object({
  id: z.string().min(1),
  name: z.string().nullish(),
  status: z.string(),
  size: z.number().describe('GiB'),
  volume_type: z.string().nullish(),
  availability_zone: z.string().nullish(),
  created_at: cinderTime.optional().catch(undefined),
  metadata: z.record(z.string(), z.string()).default({}),
  attachments: z.array(z.object({ server_id: z.string() })).default([]),
});
export type Volume = z.output<typeof volumeSchema>;

/** Converts a volume. @returns undefined for a volume outside this deployment */
export function cloudVolume(volume: Volume, deploymentId: string): CloudVolume | undefined {
  const { metadata, name, volume_type: type, availability_zone: zone, created_at: createdAtMs } = volume;
  const named = parseDiskName(deploymentId, name ?? '');
  if (!isOf(deploymentId, metadata, named !== undefined)) return undefined;
  const instanceId = metadata[INSTANCE_TAG] ?? named?.instanceId;
  const launchToken = metadata[LAUNCH_TOKEN_TAG] ?? named?.launchToken;
  const disk = diskOf(metadata[DISK_TAG]) ?? named?.disk;
  const attachedTo = volume.attachments[0]?.server_id;
  return {
    backendId: volume.id,
    sizeGb: volume.size,
    cloudStatus: volume.status,
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(launchToken === undefined ? {} : { launchToken }),
    ...(disk === undefined ? {} : { disk }),
    ...(type ? { type } : {}),
    ...(zone ? { zone } : {}),
    ...(createdAtMs === undefined ? {} : { createdAtMs }),
    ...(attachedTo === undefined ? {} : { attachedTo }),
    ...(volume.status === 'deleting' ? { isLeaving: true } : {}),
  };
}

function diskOf(text: string | undefined): DiskIndex | undefined {
  if (text === 'root') return text;
  return text !== undefined && /^[0-9]{1,2}$/.test(text) ? Number(text) : undefined;
}
