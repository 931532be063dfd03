import * as z from 'zod';
import { labelsSchema, tagsSchema } from './labels.ts';
import { userDataSchema } from './user-data.ts';

/** A name or an id of something that a user has made at a cloud. */
const cloudNameSchema = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'must be printable ASCII characters');

/** Access of a machine's programs to the cloud's metadata service. */
export const metadataOptionsSchema = z.strictObject({
  enabled: z
    .boolean()
    .optional()
    .describe('False: machines do not reach the metadata service. Absent: they do.'),
  tokens: z
    .enum(['required', 'optional'])
    .optional()
    .describe('Whether requests need a session token (IMDSv2 at AWS). Absent: required.'),
  hopLimit: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'Maximum number of network hops of an answer; containers need 2. Absent: the choice of the cloud.',
    ),
});
export type MetadataOptions = z.infer<typeof metadataOptionsSchema>;

/** The fields of a node group that set up its machines, except for network, disks and addresses. */
export const machineOptionsShape = {
  labels: labelsSchema
    .optional()
    .describe("Labels of the node group's instances. A label of the node group wins over one of the fleet."),
  tags: tagsSchema
    .optional()
    .describe(
      "Tags of the machines at the cloud, in addition to the labels. Fleetwright's answers do not show them.",
    ),
  userData: userDataSchema
    .optional()
    .describe(
      'Data for the first boot, for example a cloud-init script: a text, or a text with its encoding. At most 16,384 bytes after encoding.',
    ),
  identity: cloudNameSchema
    .optional()
    .describe('Identity of the machines at the cloud. At AWS: name or ARN of an instance profile.'),
  placementGroup: cloudNameSchema
    .optional()
    .describe(
      'A placement group (AWS) or server group (OpenStack) that exists at each location, by its name.',
    ),
  metadataOptions: metadataOptionsSchema
    .optional()
    .describe('Access to the metadata service of the cloud. Absent: requests need a session token.'),
};

/** The fields above, without those that are not well-formed. */
export const machineOptionsRemains = z.object({
  labels: labelsSchema.optional().catch(undefined),
  tags: tagsSchema.optional().catch(undefined),
  userData: userDataSchema.optional().catch(undefined),
  identity: cloudNameSchema.optional().catch(undefined),
  placementGroup: cloudNameSchema.optional().catch(undefined),
  metadataOptions: metadataOptionsSchema.optional().catch(undefined),
});
export type MachineOptions = z.infer<typeof machineOptionsRemains>;
