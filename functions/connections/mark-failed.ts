import { parseConnectionKey } from '../model/identifiers.ts';
import type { Store } from '../store/client.ts';
import { updateConnection } from '../store/connections.ts';

/** The cloud refused the credential: no further fleet may use the connection until it is verified again. */
export async function markConnectionFailed(
  store: Store<'access'>,
  connectionKey: string,
  failure: { code: string; message: string },
): Promise<void> {
  const { namespace, name } = parseConnectionKey(connectionKey);
  await updateConnection(store, namespace, name, { status: 'Failed', failure });
}
