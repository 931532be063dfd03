import { z } from 'zod';
import type { WriterMark } from './capabilities.ts';

const markTextSchema = z.object({ sinceMs: z.number(), renewedAtMs: z.number() });

/** A mark as the text that an account keeps under the writer's name. */
export function markText({ sinceMs, renewedAtMs }: WriterMark): string {
  return JSON.stringify({ sinceMs, renewedAtMs });
}

/** @returns undefined for a text that no deployment of ours wrote */
export function parseMark(writerId: string, text: string): WriterMark | undefined {
  try {
    const mark = markTextSchema.safeParse(JSON.parse(text)).data;
    return mark && { writerId, ...mark };
  } catch {
    return undefined;
  }
}
