import { unmarshall } from '@aws-sdk/util-dynamodb';
import * as z from 'zod';
import type { AuditEntry } from '../../model/audit-entry.ts';
import { parseEntry } from './audit-items.ts';
import type { ExportMark } from './exported-entries.ts';

/** An entry of the audit log, as the table's stream delivers it. */
export interface StreamedEntry extends ExportMark {
  entry: AuditEntry;
}

type Image = Parameters<typeof unmarshall>[0];

const recordsSchema = z.object({
  Records: z.array(
    z.object({
      dynamodb: z.object({
        SequenceNumber: z.string(),
        NewImage: z.custom<Image>((image) => typeof image === 'object' && image !== null),
      }),
    }),
  ),
});

/** Reads the entries of an event of the audit table's stream. @throws ZodError if the event has another shape */
export function streamedEntries(event: unknown): StreamedEntry[] {
  return recordsSchema.parse(event).Records.map(({ dynamodb }) => {
    const item = unmarshall(dynamodb.NewImage);
    const { pk: partition } = z.object({ pk: z.string() }).parse(item);
    return { partition, sequence: dynamodb.SequenceNumber, entry: parseEntry(item) };
  });
}
