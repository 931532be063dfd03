import * as z from 'zod';
import { cloudSchema } from './cloud.ts';
import { cloudWordSchema, fleetIdSchema, instanceIdSchema, nameSchema } from './identifiers.ts';
import { resourceKindSchema } from './orphan.ts';
import { stuckSchema } from './stuck.ts';

export const resourceStateSchema = z.enum(['Creating', 'Ready', 'Kept', 'Deleting']);

/**
 * A disk that is kept when its machine is removed (kind `volume`), or a network resource that a fleet uses, as users see
 * it. A shared one is listed for each of its fleets, and for a fleet that is being removed if its removal waits for the
 * removal of the resource. A disk is `Ready` while its machine exists, then `Kept`.
 */
export const resourceSchema = z.object({
  name: z.string(),
  kind: resourceKindSchema,
  fleet: z.object({ id: fleetIdSchema, name: nameSchema }).describe('The fleet that uses the resource.'),
  users: z
    .int()
    .nonnegative()
    .optional()
    .describe('Number of fleets that share the resource. Absent: it belongs to this fleet alone.'),
  cloud: cloudSchema
    .optional()
    .describe('Absent: the instances of the fleet are not assigned to locations yet.'),
  connection: nameSchema,
  location: cloudWordSchema,
  state: resourceStateSchema,
  neededBy: z.array(nameSchema).describe('The node groups whose instances need the resource.'),
  liveInstances: z
    .int()
    .nonnegative()
    .describe(
      "Number of the fleet's instances at this connection and location that may have a machine. The resource is kept while an instance of a node group in `neededBy` may have a machine there.",
    ),
  instanceId: instanceIdSchema.optional().describe('For a volume: the instance whose disk it is, or was.'),
  sizeGb: z.number().positive().optional().describe('For a volume.'),
  diskType: z.string().optional().describe("For a volume: the cloud's name of its type."),
  usdPerMonth: z
    .number()
    .nonnegative()
    .optional()
    .describe('For a volume: its price in US dollars a month. Absent: not known.'),
  stuck: stuckSchema
    .optional()
    .describe('Present while the cloud refuses to create or remove the resource: the failed tries.'),
  createdAt: z.iso.datetime().optional(),
  backendId: z
    .string()
    .optional()
    .describe("The cloud's id of the resource. Absent: the cloud has not created it yet."),
});
export type Resource = z.infer<typeof resourceSchema>;

/** The name of a volume, as the list of resources shows it. */
export const volumeNameSchema = z.string().regex(/^v[0-9a-f]{16}$/);
