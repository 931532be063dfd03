import { z } from 'zod';

/**
 * Describes a deletion that is under way. The deleted object accepts nothing new. The object is removed when nothing
 * needs it any more.
 */
export const deletionSchema = z.object({
  id: z.string(),
  requestedAt: z.iso.datetime(),
  isDecided: z
    .boolean()
    .describe(
      'True when nothing needs the deleted object any more. From then on, the deletion can no longer be cancelled.',
    ),
  hasLeft: z
    .literal(true)
    .exactOptional()
    .describe(
      "For a connection: true when a worker has removed this deployment's mark from the cloud account, or has failed to remove it.",
    ),
});
export type Deletion = z.infer<typeof deletionSchema>;
