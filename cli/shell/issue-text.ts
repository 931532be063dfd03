import type { z } from 'zod';

/** Describes what is wrong with a value, for people. */
export function issueText(issue: z.core.$ZodIssue): string {
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return missing ? 'is missing' : issue.message;
}
