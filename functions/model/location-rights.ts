import * as z from 'zod';
import { cloudWordSchema } from './identifiers.ts';

/** A call of a launch that a cloud denies to a credential at one location. */
export const missingRightSchema = z.object({
  call: z.string().describe("The cloud's name of the call, for example `ec2:RunInstances`."),
  code: z.string().describe("The cloud's own code."),
  message: z.string().describe("The cloud's own words."),
  for: z
    .enum(['networks'])
    .optional()
    .describe('`networks`: only launches that make networks need the call. Absent: every launch needs it.'),
});
export type MissingRight = z.infer<typeof missingRightSchema>;

/** What the last verification of a connection has found about the rights at one location. */
export const locationRightsSchema = z.object({
  location: cloudWordSchema,
  missing: z.array(missingRightSchema),
  checkedAt: z.iso.datetime(),
});
export type LocationRights = z.infer<typeof locationRightsSchema>;
