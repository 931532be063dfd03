import type * as z from 'zod';

/** Returns a text for people that tells what is wrong with a value. */
export function issueText(issue: z.core.$ZodIssue): string {
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
  return missing ? 'is missing' : issue.message;
}

/** Returns the code of an issue. The API has the same codes. */
export function issueCode(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') {
    const code: unknown = issue.params?.['code'];
    return typeof code === 'string' ? code : 'invalid';
  }
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'missing';
  return issue.code === 'invalid_union' ? 'invalid-format' : issue.code.replaceAll('_', '-');
}
