import pLimit from 'p-limit';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { OrphanKind } from '../../model/orphan.ts';
import { permitCalls, slowDown } from '../../platform/governor/permit-calls.ts';
import {
  governed,
  type OpenConnection,
  type PlaceRef,
  type WorkerContext,
} from '../../platform/worker/context.ts';

const CONCURRENT_CALLS = 10;

/** What is to go, as the cloud shows it. */
export interface ToRemove {
  kind: OrphanKind;
  backendId: string;
  /** The cloud is at it already. */
  isLeaving: boolean;
}

/**
 * Asks the cloud to remove orphans, as many as are permitted now: machines first, key pairs and security groups when no
 * machine is left to go, networks last. No answer closes anything: that is for a later list.
 */
export async function removeOrphans(
  context: WorkerContext,
  place: PlaceRef,
  opened: OpenConnection,
  orphans: readonly ToRemove[],
): Promise<void> {
  const wanted = firstToGo(orphans).filter(({ isLeaving }) => !isLeaving);
  if (wanted.length === 0) return;
  const { granted } = await permitCalls(context.store, governed(place, opened), 'mutate', wanted.length);
  const limit = pLimit(CONCURRENT_CALLS);
  await Promise.all(
    wanted.slice(0, granted).map((orphan) => limit(() => remove(context, place, opened, orphan))),
  );
}

/** Those of the orphans that nothing else among them may still need. */
export function firstToGo(orphans: readonly ToRemove[]): readonly ToRemove[] {
  const stages: readonly (readonly OrphanKind[])[] = [
    ['instance'],
    ['key-pair', 'security-group'],
    ['network'],
  ];
  for (const kinds of stages) {
    const members = orphans.filter(({ kind }) => kinds.includes(kind));
    if (members.length > 0) return members;
  }
  return [];
}

async function remove(
  context: WorkerContext,
  place: PlaceRef,
  { client }: OpenConnection,
  { kind, backendId }: ToRemove,
): Promise<void> {
  try {
    switch (kind) {
      case 'instance':
        return await client.terminateInstance(place.location, backendId);
      case 'key-pair':
        return await client.deleteKeyPair(place.location, backendId);
      case 'security-group':
        return await client.deleteSecurityGroup(place.location, backendId);
      case 'network':
        return await client.deleteNetwork(place.location, backendId);
    }
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    context.log.warn('an orphan was not removed', {
      kind,
      backendId,
      code: error.code,
      message: error.message,
    });
    if (error.code === 'Throttled') await slowDown(context.store, place, 'mutate', error.retryAfterMs);
  }
}
