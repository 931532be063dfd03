import { recordNetwork } from '../../platform/store/networks.ts';
import { recordShared } from '../../platform/store/shared-networks.ts';
import { isShared, type SiteResource } from '../../platform/store/site-networks.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/** Time in ms for which a resource counts as standing after the cloud has shown it, although a call was refused. */
const KNOWN_MS = 60_000;

/**
 * Takes the status Ready from resources that may no longer stand at the cloud, because a user has deleted them or a
 * part of them there. The next worker that needs one makes it again under the same name, or finds it complete. Its users
 * stay. The network comes first: a worker that dies in between leaves no resource that waits for a lost network.
 *
 * @returns true if a resource was doubted. The cloud has shown the others within the last minute
 */
export async function doubtResources(
  { store, log }: Pick<WorkerContext, 'store' | 'log'>,
  items: readonly SiteResource[],
): Promise<boolean> {
  let isDoubted = false;
  const fromMs = store.clock.now() - KNOWN_MS;
  const due = items.filter(({ status, checkedAtMs = 0 }) => status === 'Ready' && checkedAtMs < fromMs);
  for (const item of due.toSorted((one, other) => rankOf(one) - rankOf(other))) {
    const fields = { status: 'Creating' as const };
    const wasDoubted = isShared(item)
      ? await recordShared(store, item, fields)
      : await recordNetwork(store, item, fields);
    if (wasDoubted) log.warn('a network resource is made sure of again', { name: item.name });
    isDoubted ||= wasDoubted;
  }
  return isDoubted;
}

const rankOf = ({ kind }: SiteResource): number => (kind === 'network' ? 0 : 1);
