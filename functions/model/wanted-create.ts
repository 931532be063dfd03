import { z } from 'zod';

/** Describes a launch for the governor, with the facts that decide whether and when its create call may be sent. */
export const wantedCreateSchema = z.object({
  instanceId: z.string(),
  fleetId: z.string(),
  round: z.number(),
  instanceType: z.string(),
  zone: z.string().optional(),
  vcpus: z.number(),
  gpus: z.number(),
  memoryGb: z.number(),
  /** True if the node group has another location where the instance has not been tried. */
  mayGoElsewhere: z.boolean(),
  /** Time at which the launch was first queued. Absent: it has not been queued. */
  waitsSinceMs: z.number().optional(),
  /**
   * Time of the launch's earlier create call, if this launch repeats a call. A permit that was given before this time
   * was used for the earlier call.
   */
  calledAtMs: z.number().optional(),
});
export type WantedCreate = z.infer<typeof wantedCreateSchema>;
