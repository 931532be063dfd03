import * as z from 'zod';

/** Maximum number of warnings that a fleet keeps. Further warnings are left out. */
export const MAX_WARNINGS = 100;

/** Something about an accepted request that may not be what its user meant. It has the shape of the API's field errors. */
export const warningSchema = z.object({
  pointer: z.string().describe('JSON Pointer into the body of the request.'),
  code: z.string().describe('Stable, for scripts. Later versions may add codes.'),
  message: z.string(),
});
export type Warning = z.infer<typeof warningSchema>;

export const warningsSchema = z
  .array(warningSchema)
  .describe(
    'What the user should know about the accepted request. Only in the answer to the request. Empty: nothing.',
  );
