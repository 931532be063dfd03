import { PutObjectCommand } from '@aws-sdk/client-s3';
import middy from '@middy/core';
import { exportEntries } from '../../../features/audit/export-entries.ts';
import { openS3Client } from '../../../platform/runtime/aws-clients.ts';
import { readEnv } from '../../../platform/runtime/env.ts';
import { measured } from '../../../platform/runtime/measured.ts';
import { openStore } from '../../../platform/store/store.ts';
import { streamedEntries } from '../../../platform/store/streamed-audit.ts';

const env = readEnv(['AUDIT_TABLE', 'AUDIT_BUCKET']);
const s3 = openS3Client();
const deps = {
  store: openStore({ audit: env.AUDIT_TABLE }),
  async put(key: string, text: string) {
    const object = { Bucket: env.AUDIT_BUCKET, Key: key, Body: text, ContentType: 'application/x-ndjson' };
    await s3.send(new PutObjectCommand(object));
  },
};

/** Exports new entries of the audit log. The stream delivers nothing else; see `infra/constructs/audit-export.ts`. */
export const handler = middy<unknown, void>()
  .use(measured('export-audit'))
  .handler(async (event) => {
    await exportEntries(deps, streamedEntries(event));
  });
