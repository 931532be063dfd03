import { z } from 'zod';

/** Describes a deletion under way. Its subject accepts nothing new, and is removed when nothing needs it any more. */
export const deletionSchema = z.object({
  id: z.string(),
  requestedAt: z.iso.datetime(),
  isDecided: z.boolean().describe('nothing needs what is deleted: from here on it is not taken back'),
  hasLeft: z
    .literal(true)
    .exactOptional()
    .describe(
      "of a connection: this deployment's mark at the account is gone, as far as it could be removed",
    ),
});
export type Deletion = z.infer<typeof deletionSchema>;
