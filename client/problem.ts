import { z } from 'zod';

const problemSchema = z.object({
  status: z.number(),
  code: z.string(),
  title: z.string(),
  detail: z.string(),
  requestId: z.string().default(''),
  errors: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })).default([]),
});
export type ProblemDetails = z.output<typeof problemSchema>;

/** The API refused a request. `code` is stable; `errors` names every offending field. */
export class ApiProblem extends Error {
  readonly problem: ProblemDetails;

  constructor(problem: ProblemDetails) {
    super(`${problem.title} (${problem.code}): ${problem.detail}`);
    this.name = 'ApiProblem';
    this.problem = problem;
  }
}

/** No answer of the API was had: it cannot be reached, or something else answered in its place. */
export class ApiUnreachable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ApiUnreachable';
  }
}

/** The problem in an answer that is no success. */
export async function problemOf(response: Response): Promise<ApiProblem | ApiUnreachable> {
  const text = await response.text();
  try {
    return new ApiProblem(problemSchema.parse(JSON.parse(text)));
  } catch {
    return new ApiUnreachable(`status ${response.status}, and no problem JSON: ${text.slice(0, 200)}`);
  }
}
