import * as z from 'zod';

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;
const unitSchema = z.enum(['s', 'm', 'h', 'd']);

/** Parses a duration that a user types, such as `3600`, `90s`, `45m`, `1h` or `2d`, to seconds. */
export const durationSchema = z
  .string()
  .regex(/^[0-9]{1,9}[smhd]?$/, 'must be a number of seconds, or a number with s, m, h or d, for example 90m')
  .transform((text) => {
    const unit = unitSchema.safeParse(text.at(-1)).data ?? 's';
    return Number.parseInt(text, 10) * SECONDS[unit];
  });
