import { z } from 'zod';

/** What a launch wants, as far as it matters for when and whether it may go out. */
export const wantedCreateSchema = z.object({
  instanceId: z.string(),
  fleetId: z.string(),
  round: z.number(),
  instanceType: z.string(),
  zone: z.string().optional(),
  vcpus: z.number(),
  gpus: z.number(),
  memoryGb: z.number(),
  /** Whether its node group has a location left that it has not tried. */
  mayGoElsewhere: z.boolean(),
  /** When it first had to wait for its turn. */
  waitsSinceMs: z.number().optional(),
  /** Permits from before then were used for an earlier call. */
  calledAtMs: z.number().optional(),
});
export type WantedCreate = z.infer<typeof wantedCreateSchema>;
