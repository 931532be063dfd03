import { z } from 'zod';

/** Describes a launch with the facts that decide whether and when it may start. */
export const wantedCreateSchema = z.object({
  instanceId: z.string(),
  fleetId: z.string(),
  round: z.number(),
  instanceType: z.string(),
  zone: z.string().optional(),
  vcpus: z.number(),
  gpus: z.number(),
  memoryGb: z.number(),
  /** True if its node group has another location that the instance has not tried. */
  mayGoElsewhere: z.boolean(),
  /** Time at which the launch was first queued. */
  waitsSinceMs: z.number().optional(),
  /** Permits issued before this time were used for an earlier call. */
  calledAtMs: z.number().optional(),
});
export type WantedCreate = z.infer<typeof wantedCreateSchema>;
