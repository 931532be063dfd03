import * as z from 'zod';

/** Maximum number of denied calls in the health of one connection. */
export const MAX_DENIED_CALLS = 30;

/** A call that the cloud denies to a connection's credential, although it accepts the credential. */
export const deniedCallSchema = z.object({
  call: z.string().describe("The cloud's name of the call, for example `ec2:RunInstances`."),
  location: z.string().optional().describe('Absent: the call concerns the whole account.'),
  code: z.string().describe("The cloud's own code."),
  message: z.string().describe("The cloud's own words."),
  since: z.iso.datetime().describe('Time of the first denial.'),
  lastAt: z.iso
    .datetime()
    .describe('Time of a late denial. Denials that follow within minutes are not recorded.'),
  nextTryAt: z.iso.datetime().describe('Earliest time of the next such call, if anything needs it then.'),
});
export type DeniedCall = z.infer<typeof deniedCallSchema>;

export const connectionHealthSchema = z.object({
  deniedCalls: z
    .array(deniedCallSchema)
    .describe(
      `The calls that the cloud denies to the credential, by location and call. At most ${MAX_DENIED_CALLS}. An accepted call is removed from the list.`,
    ),
});
export type ConnectionHealth = z.infer<typeof connectionHealthSchema>;
