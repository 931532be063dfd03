import type { z } from 'zod';

/** Returns a text for people that tells what is wrong with a value. */
export function issueText(issue: z.core.$ZodIssue): string {
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return missing ? 'is missing' : issue.message;
}
