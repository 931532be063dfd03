import * as z from 'zod';

/** Where figures of a limit profile come from. */
export const limitSourceSchema = z.object({
  limits: z.string().describe('The fields that have these figures.'),
  source: z.string().describe('The publication, or why there is none.'),
  url: z.url().exactOptional(),
  date: z.iso.date().exactOptional().describe('Day on which the publication was read.'),
  isEstimate: z.boolean().describe('True if the figures are not published for this cloud.'),
});
export type LimitSource = z.infer<typeof limitSourceSchema>;
