import * as z from 'zod';

/** Maximum number of different texts that are kept for a connection. The text that was seen last longest ago goes first. */
export const MAX_UNKNOWN_WORDS = 50;

const unknownWordsSchema = z.object({
  shape: z
    .string()
    .describe(
      'The text without the parts that differ each time, such as numbers and ids, for which it has `#`.',
    ),
  call: z.string().describe('The call that was answered with the text.'),
  code: z.string().describe('The error code that the text was given, because no table knows it.'),
  count: z.int().positive().describe('Number of such answers. The latest answers may not be counted yet.'),
  firstSeenAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  location: z
    .string()
    .exactOptional()
    .describe('The location of the latest of these answers that was written.'),
  example: z.string().describe('One of the texts, without secrets.'),
});

/** The texts of a connection's cloud that the driver does not understand, the latest first. */
export const unknownWordsViewSchema = z.object({ items: z.array(unknownWordsSchema) });
export type UnknownWordsView = z.infer<typeof unknownWordsViewSchema>;
