import * as z from 'zod';

/** Maximum size of user data, in bytes, as the machine gets it. This is AWS's limit, and all clouds accept this size. */
export const MAX_USER_DATA_BYTES = 16 * 1024;
/** Maximum length of a text that is compressed. A request has no room for a longer text. */
const MAX_TEXT = 256 * 1024;

/**
 * How the text of a request becomes the bytes that a machine gets. `plain`: UTF-8. `gzip`: UTF-8, compressed; cloud-init
 * unpacks it. `base64`: the text is base64, and the machine gets the bytes.
 */
export const USER_DATA_ENCODINGS = ['plain', 'gzip', 'base64'] as const;
export type UserDataEncoding = (typeof USER_DATA_ENCODINGS)[number];

/** Returns true for base64 whose bytes begin as those of a file that gzip has made. */
const isGzipInBase64 = (text: string): boolean => /^H4sI/.test(text) && z.base64().safeParse(text).success;

/** User data with its encoding. The size of a compressed text is checked where the request is accepted. */
const encodedUserDataSchema = z
  .strictObject({
    text: z.string().max(MAX_TEXT).describe('The user data, or its bytes in base64.'),
    encoding: z
      .enum(USER_DATA_ENCODINGS)
      .default('plain')
      .describe('`gzip` compresses the text, and cloud-init unpacks it. `base64`: the text is base64.'),
  })
  .superRefine(({ text, encoding }, context) => {
    const issue = (code: string, message: string) =>
      context.addIssue({ code: 'custom', path: ['text'], message, params: { code } });
    if (encoding === 'gzip') {
      if (isGzipInBase64(text))
        issue('already-compressed', 'is compressed with gzip already: give the encoding base64');
      return;
    }
    if (encoding === 'base64' && !z.base64().safeParse(text).success)
      return issue('invalid-format', 'must be base64');
    const bytes = Buffer.byteLength(text, encoding === 'base64' ? 'base64' : 'utf8');
    if (bytes > MAX_USER_DATA_BYTES) issue('too-big', tooMuchUserData(encoding, bytes));
  });
export type EncodedUserData = z.infer<typeof encodedUserDataSchema>;

/** Returns the error for user data that has too many bytes after encoding. */
export const tooMuchUserData = (encoding: UserDataEncoding, bytes: number): string =>
  `has ${bytes} bytes as ${encoding}; must have at most ${MAX_USER_DATA_BYTES}`;

export const userDataSchema = z.union([
  z.string().refine((text) => Buffer.byteLength(text) <= MAX_USER_DATA_BYTES, {
    message: `must have at most ${MAX_USER_DATA_BYTES} bytes in UTF-8`,
    params: { code: 'too-big' },
  }),
  encodedUserDataSchema,
]);
export type UserData = z.infer<typeof userDataSchema>;
