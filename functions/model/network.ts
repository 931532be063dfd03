import * as z from 'zod';
import { networkCidrSchema } from './address-range.ts';
import { cloudSchema } from './cloud.ts';
import { cloudWordSchema, fleetIdSchema, nameSchema } from './identifiers.ts';
import { resourceStateSchema } from './resource.ts';
import { stuckSchema } from './stuck.ts';

/** Maximum number of fleets that one network names. `users` counts all of them. */
export const MAX_FLEETS_SHOWN = 100;

/** A network that the deployment has made, as users see it. */
export const networkSchema = z.object({
  name: z.string().describe('Unique in the deployment.'),
  mode: z.enum(['shared', 'dedicated']),
  cloud: cloudSchema.optional(),
  connection: nameSchema,
  location: cloudWordSchema,
  cidr: z.string().optional().describe('Address range. Absent for a dedicated network.'),
  state: resourceStateSchema,
  users: z.int().nonnegative().describe('Number of fleets that use the network.'),
  unusedSince: z.iso
    .datetime()
    .optional()
    .describe('Present while no fleet uses the network: the time at which the last one left it.'),
  fleets: z
    .array(z.object({ id: fleetIdSchema, name: nameSchema }))
    .optional()
    .describe(`The fleets that use the network, at most ${MAX_FLEETS_SHOWN}. Absent in lists of networks.`),
  securityGroups: z
    .array(
      z.object({
        name: z.string(),
        state: resourceStateSchema,
        users: z.int().nonnegative(),
        stuck: stuckSchema
          .optional()
          .describe('Present while the cloud refuses to remove the security group: the failed tries.'),
      }),
    )
    .optional()
    .describe('The security groups that fleets share in the network. Absent in lists of networks.'),
  stuck: stuckSchema
    .optional()
    .describe('Present while the cloud refuses to remove the network: the failed tries.'),
  createdAt: z.iso.datetime().optional(),
  backendId: z.string().optional().describe("The cloud's id of the network. Absent: not created yet."),
});
export type Network = z.infer<typeof networkSchema>;

/** The body of `POST …/networks/remove`. */
export const networkRemovalSchema = z
  .object({
    connection: nameSchema.optional().describe('Absent: all connections of the namespace.'),
    location: cloudWordSchema.optional().describe('Absent: all locations.'),
  })
  .strict();

/** The body of `PUT …/connections/{connection}/network-ranges`. */
export const networkRangesSchema = z
  .object({
    ranges: z
      .record(cloudWordSchema, networkCidrSchema)
      .refine((ranges) => Object.keys(ranges).length <= 90, {
        message: 'must name at most 90 locations',
        params: { code: 'too-big' },
      })
      .describe(
        'The range of the shared network that is made next at each location. Replaces all earlier ones.',
      ),
  })
  .strict();
export type NetworkRanges = z.infer<typeof networkRangesSchema>;
