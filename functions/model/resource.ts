import { z } from 'zod';
import { cloudSchema } from './cloud.ts';
import { cloudWordSchema, fleetIdSchema, nameSchema } from './identifiers.ts';
import { resourceKindSchema } from './orphan.ts';

export const resourceStateSchema = z.enum(['Creating', 'Ready', 'Deleting']);

/** A network resource that a fleet made, as users see it. */
export const resourceSchema = z.object({
  name: z.string(),
  kind: resourceKindSchema,
  fleet: z.object({ id: fleetIdSchema, name: nameSchema }).describe('its owner'),
  cloud: cloudSchema.optional().describe('absent: the fleet is not assigned that far'),
  connection: nameSchema,
  location: cloudWordSchema,
  state: resourceStateSchema,
  neededBy: z.array(nameSchema).describe('node groups whose instances need it'),
  liveInstances: z
    .int()
    .nonnegative()
    .describe("the fleet's instances at its site that may exist; it stays while there are any"),
  createdAt: z.iso.datetime().optional(),
  backendId: z.string().optional().describe('for operators; absent until the cloud has made it'),
});
export type Resource = z.infer<typeof resourceSchema>;
