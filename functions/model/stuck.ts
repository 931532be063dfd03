import * as z from 'zod';
import { cloudWordSchema, nameSchema } from './identifiers.ts';
import { resourceKindSchema } from './orphan.ts';

/** A step that the cloud refuses, and that is tried again with a growing delay. */
export const stuckSchema = z.object({
  code: z.string(),
  message: z.string().describe("The error of the latest try, in the cloud's words."),
  since: z.iso.datetime().describe('Time of the first of the failed tries.'),
  tries: z.int().positive().describe('Number of failed tries.'),
  nextTryAt: z.iso
    .datetime()
    .optional()
    .describe('Time of the next try. Absent: the cloud works on an earlier request, and no try is planned.'),
});
export type Stuck = z.infer<typeof stuckSchema>;

export const WAIT_REASONS = [
  'connection',
  'unreachable',
  'outage',
  'quota',
  'capacity',
  'denied',
  'budget',
  'throttled',
  'network',
  'removal',
] as const;

/** Maximum number of reasons in the view of one fleet. */
export const MAX_WAITING = 20;

/** One reason why a fleet makes no progress at a connection or location. */
export const waitingSchema = z.object({
  why: z
    .enum(WAIT_REASONS)
    .describe(
      '`connection`: the cloud refuses the credential. `unreachable`: the cloud does not show the machines of the location. `outage`: the location accepts no launch. `quota`, `capacity`: the cloud has none left. `denied`: the cloud denies the launch to the credential. `budget`: the limits of the connection are reached. `throttled`: the cloud asked for a pause. `network`: a network resource cannot be created. `removal`: a machine or network resource cannot be removed.',
    ),
  connection: nameSchema,
  location: cloudWordSchema.optional().describe('Absent: every location of the connection.'),
  code: z.string(),
  message: z.string().describe("The cloud's words, if the cloud gave any."),
  since: z.iso.datetime().optional(),
  tries: z.int().positive().optional(),
  nextTryAt: z.iso.datetime().optional(),
  instances: z.int().nonnegative().describe('Number of instances that wait for this reason.'),
  resource: z
    .object({ kind: resourceKindSchema, name: z.string() })
    .optional()
    .describe('The network resource that cannot be created or removed.'),
});
export type Waiting = z.infer<typeof waitingSchema>;
