import { z } from 'zod';
import { cloudSchema } from './cloud.ts';
import { cloudWordSchema, fleetIdSchema, nameSchema } from './identifiers.ts';
import { resourceKindSchema } from './orphan.ts';
import { stuckSchema } from './stuck.ts';

export const resourceStateSchema = z.enum(['Creating', 'Ready', 'Deleting']);

/** A network resource that a fleet uses, as users see it. A shared one is listed for each of its fleets. */
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
