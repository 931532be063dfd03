import * as z from 'zod';
import type { WriterMark } from './capabilities.ts';

const markTextSchema = z.object({ sinceMs: z.number(), renewedAtMs: z.number() });

/** Returns a writer mark as text. Drivers store this text in the cloud account under the writer's id. */
export function markText({ sinceMs, renewedAtMs }: WriterMark): string {
  return JSON.stringify({ sinceMs, renewedAtMs });
}

/** Parses the text of a mark. @returns undefined for a text that does not have the form of `markText` */
export function parseMark(writerId: string, text: string): WriterMark | undefined {
  try {
    const mark = markTextSchema.safeParse(JSON.parse(text)).data;
    return mark && { writerId, ...mark };
  } catch {
    return undefined;
  }
}
