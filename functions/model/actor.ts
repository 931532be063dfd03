import * as z from 'zod';

/**
 * Who has caused a change. `name` is the id of an API key, because the names of keys need not be unique; the issuer and
 * subject of a user; or the name of the schedule, policy, sweep or cloud.
 */
export const actorSchema = z.object({
  kind: z.enum(['key', 'user', 'schedule', 'policy', 'sweep', 'cloud']),
  name: z.string(),
});
export type Actor = z.infer<typeof actorSchema>;
