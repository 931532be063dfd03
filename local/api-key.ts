import { systemClock } from '../functions/platform/runtime/clock.ts';
import { issueRootKey } from '../functions/platform/store/api-keys.ts';
import { openDocumentClient } from '../functions/platform/store/store.ts';
import { engineSettings } from './engine/access.ts';
import type { EngineAccess } from './state/records.ts';

/**
 * Makes the first API key of the local stack, and writes the key's hash into the access table.
 *
 * @returns the key
 */
export async function issueLocalKey(engine: EngineAccess, accessTable: string): Promise<string> {
  const document = openDocumentClient(engineSettings(engine));
  const store = { document, tables: { access: accessTable }, clock: systemClock, random: Math.random };
  try {
    return (await issueRootKey(store, { name: 'local-up' })).key;
  } finally {
    document.destroy();
  }
}
