import { PutObjectCommand } from '@aws-sdk/client-s3';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import middy from '@middy/core';
import * as z from 'zod';
import { exportEntries, type StreamedEntry } from '../../../features/audit/export-entries.ts';
import { openS3Client } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { parseEntry } from '../../../platform/store/audit-items.ts';
import { openStore } from '../../../platform/store/store.ts';

const env = readEnv(['AUDIT_TABLE', 'AUDIT_BUCKET']);
const s3 = openS3Client();
const deps = {
  store: openStore({ audit: env.AUDIT_TABLE }),
  async put(key: string, text: string) {
    const object = { Bucket: env.AUDIT_BUCKET, Key: key, Body: text, ContentType: 'application/x-ndjson' };
    await s3.send(new PutObjectCommand(object));
  },
};

const eventSchema = z.object({
  Records: z.array(
    z.object({
      dynamodb: z.object({
        SequenceNumber: z.string(),
        NewImage: z.custom<Parameters<typeof unmarshall>[0]>(
          (image) => typeof image === 'object' && image !== null,
        ),
      }),
    }),
  ),
});

/** Exports new entries of the audit log. The stream delivers nothing else; see `infra/constructs/audit-export.ts`. */
export const handler = middy<unknown, void>()
  .use(measured('export-audit'))
  .handler(async (event) => {
    const batch = eventSchema.parse(event).Records.map(({ dynamodb }): StreamedEntry => {
      const item = unmarshall(dynamodb.NewImage);
      const { pk: partition } = z.object({ pk: z.string() }).parse(item);
      return { partition, sequence: dynamodb.SequenceNumber, entry: parseEntry(item) };
    });
    await exportEntries(deps, batch);
  });
