import * as z from 'zod';
import { marketSchema } from './market.ts';

/** What decides in which zone of its location an instance is created. `chooseZone` chooses. */
export const zoneChoiceSchema = z.object({
  /** The zones in which the instance may be created, in the order of preference. */
  open: z.tuple([z.string()], z.string()),
  /** The zone that gets the instance if this zone stands open. */
  home: z.string(),
  /** The instance's number among those of its home zone, from 0. */
  at: z.number(),
  /** Number of instances of the home zone. */
  of: z.number(),
});
export type ZoneChoice = z.infer<typeof zoneChoiceSchema>;

/** Describes a launch for the governor, with the facts that decide whether and when its create call may be sent. */
export const wantedCreateSchema = z.object({
  instanceId: z.string(),
  fleetId: z.string(),
  round: z.number(),
  instanceType: z.string(),
  /** The zone of the create call. Absent: the cloud chooses the zone, or `zoneChoice` decides. */
  zone: z.string().optional(),
  /** Absent: the zone is `zone`, or the cloud chooses it. */
  zoneChoice: zoneChoiceSchema.optional(),
  /** What lets the launch share a create call with others. Absent: the driver makes one machine with each call. */
  call: z
    .object({
      /** The same text for launches that may share a call, if they are created in the same zone. */
      key: z.string(),
      /** Maximum number of machines of the call. */
      most: z.int().positive(),
    })
    .optional(),
  vcpus: z.number(),
  gpus: z.number(),
  memoryGb: z.number(),
  /** Size of all disks that the fleet requests for the machine, in GB. Absent: the image's or type's own root disk. */
  diskGb: z.number().optional(),
  /** The class of instance types that share a vCPU quota with this one. Absent: the cloud has no classes. */
  quotaClass: z.string().optional(),
  /** Absent: on-demand. */
  market: marketSchema.optional(),
  /** The reservation that a launch of the market `reserved` uses. */
  reservationId: z.string().optional(),
  /**
   * True if the launch's earlier machine broke because it exceeded a quota, and has been removed. The launch may
   * therefore ask the cloud even if the quota is known to be used up.
   */
  hasFreed: z.boolean().optional(),
  /** True if the node group has another location where the instance has not been tried. */
  mayGoElsewhere: z.boolean(),
  /** True if the launch repeats a call in `zone`, and another attempt may follow in another zone of the location. */
  mayChangeZone: z.boolean().optional(),
  /** True if an attempt with another instance type, or in another market, may follow at the location. */
  mayChangeType: z.boolean().optional(),
  /** Time at which the launch was first queued. Absent: it has not been queued. */
  waitsSinceMs: z.number().optional(),
  /**
   * Time of the launch's earlier create call, if this launch repeats a call. A permit that was given before this time
   * was used for the earlier call.
   */
  calledAtMs: z.number().optional(),
});
export type WantedCreate = z.infer<typeof wantedCreateSchema>;
