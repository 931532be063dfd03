import * as z from 'zod';

/** The request that CloudFormation sends for a custom resource. */
export const customResourceEventSchema = z.object({
  RequestType: z.enum(['Create', 'Update', 'Delete']),
  ResponseURL: z.url(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  PhysicalResourceId: z.string().optional(),
});
export type CustomResourceEvent = z.infer<typeof customResourceEventSchema>;

/** Maximum number of characters of the reason. CloudFormation limits the size of an answer. */
const MAX_REASON = 1_000;

/**
 * Builds the answer to CloudFormation, with the attributes of the resource, or with the reason for which the
 * deployment fails.
 */
export function answerOf(
  event: CustomResourceEvent,
  outcome: { attributes: Record<string, string> } | { error: unknown },
): Record<string, unknown> {
  const { StackId, RequestId, LogicalResourceId } = event;
  const base = { StackId, RequestId, LogicalResourceId, PhysicalResourceId: 'deployment-id' };
  if ('attributes' in outcome) return { ...base, Status: 'SUCCESS', Data: outcome.attributes };
  const { error } = outcome;
  const reason = error instanceof Error ? error.message : String(error);
  return { ...base, Status: 'FAILED', Reason: reason.slice(0, MAX_REASON) };
}
