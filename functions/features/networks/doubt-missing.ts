import type { CloudNetworkResource } from '../../drivers/contract/driver.ts';
import { readShared } from '../../platform/store/shared-networks.ts';
import type { SiteRef, WorkerContext } from '../../platform/worker/context.ts';
import { doubtResources } from './doubt-resources.ts';

/** Time in ms for which a list may not show yet what the cloud has made. */
const UNSEEN_MS = 600_000;

/**
 * Doubts the shared resources that the cloud's list of a site does not show. The next fleet that needs one makes it
 * again. Sweeps call this.
 *
 * @param atMs time immediately before the list
 */
export async function doubtMissing(
  context: WorkerContext,
  site: SiteRef,
  shown: readonly CloudNetworkResource[],
  atMs: number,
): Promise<void> {
  const ids = new Set(shown.map(({ kind, backendId }) => `${kind} ${backendId}`));
  const items = await readShared(context.store, site);
  const missing = items.filter(
    ({ kind, backendId, checkedAtMs = 0 }) =>
      backendId !== undefined && !ids.has(`${kind} ${backendId}`) && checkedAtMs < atMs - UNSEEN_MS,
  );
  await doubtResources(context, missing);
}
