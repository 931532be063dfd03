import { Problem, problemBody } from '../../../functions/entrypoints/api/problem.ts';

/** Returns an error as text; a refusal of the API as its problem JSON. */
export function wordsOf(error: unknown): string {
  if (error instanceof Problem) return JSON.stringify(problemBody(error, 'field'));
  return error instanceof Error ? error.message : String(error);
}
