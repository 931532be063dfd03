import * as z from 'zod';

/** An error about one field of a request. */
export const fieldErrorSchema = z.object({
  pointer: z.string().describe('JSON pointer of the field in the request.'),
  code: z.string(),
  message: z.string(),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;
