import { Problem, problemBody } from '../../../functions/entrypoints/api/problem.ts';

/** What went wrong, in words; of a refusal of the API with each field. */
export function wordsOf(error: unknown): string {
  if (error instanceof Problem) return JSON.stringify(problemBody(error, 'field'));
  return error instanceof Error ? error.message : String(error);
}
