import { z } from 'zod';

/** Describes a deletion under way. Its subject accepts nothing new, and is removed when nothing needs it any more. */
export const deletionSchema = z.object({
  id: z.string(),
  requestedAt: z.iso.datetime(),
  isDecided: z
    .boolean()
    .describe(
      'True when nothing needs the deleted object any more. The deletion can no longer be taken back.',
    ),
  hasLeft: z
    .literal(true)
    .exactOptional()
    .describe(
      "For a connection: true when this deployment's mark at the account is removed, or could not be removed.",
    ),
});
export type Deletion = z.infer<typeof deletionSchema>;
