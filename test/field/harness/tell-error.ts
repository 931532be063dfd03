import { Problem, problemBody } from '../../../functions/entrypoints/api/problem.ts';

/** Returns an error as text. The text of a refusal of the API is its problem JSON. */
export function wordsOf(error: unknown): string {
  if (error instanceof Problem) return JSON.stringify(problemBody(error, 'field'));
  return error instanceof Error ? error.message : String(error);
}
