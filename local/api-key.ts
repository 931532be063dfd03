import { systemClock } from '../functions/runtime/clock.ts';
import { issueApiKey } from '../functions/store/api-keys.ts';
import { openDocumentClient } from '../functions/store/client.ts';
import { LOCAL_REGION } from './engine/environment.ts';

/**
 * The first API key of the local stack, written into its table as somebody with rights in its AWS account would.
 *
 * @returns the key; the table has only its hash
 */
export async function issueLocalKey(engineUrl: string, accessTable: string): Promise<string> {
  const document = openDocumentClient({
    endpoint: engineUrl,
    region: LOCAL_REGION,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const store = { document, tables: { access: accessTable }, clock: systemClock, random: Math.random };
  try {
    return (await issueApiKey(store, { name: 'local-up' })).key;
  } finally {
    document.destroy();
  }
}
