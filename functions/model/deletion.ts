import * as z from 'zod';

/**
 * Describes the deletion of a connection or a namespace while it is under way. During that time, nothing new may use
 * the connection or namespace. It is removed when nothing needs it any more.
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
