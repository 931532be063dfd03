import pLimit from 'p-limit';
import { has } from '../../drivers/contract/capabilities.ts';
import { DriverError } from '../../drivers/contract/errors.ts';
import type { OrphanKind } from '../../model/orphan.ts';
import type { OpenConnection, SiteRef, WorkerContext } from '../../platform/worker/context.ts';

const CONCURRENT_CALLS = 10;

/** An orphan to remove, as the cloud shows it. */
export interface ToRemove {
  kind: OrphanKind;
  backendId: string;
  /** True if the cloud is already removing the orphan. */
  isLeaving: boolean;
}

/**
 * Asks the cloud to remove as many orphans as the governor permits now. As long as there are machines, only
 * machines are removed. Volumes, key pairs and security groups follow in a later sweep, and networks come last. The
 * answer to a removal call does not close a finding. A finding is closed only after a later list no longer
 * shows the orphan.
 */
export async function removeOrphans(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  orphans: readonly ToRemove[],
): Promise<void> {
  const wanted = firstToGo(orphans).filter(({ isLeaving }) => !isLeaving);
  if (wanted.length === 0) return;
  const limit = pLimit(CONCURRENT_CALLS);
  let isPermitted = true;
  await Promise.all(
    wanted.map((orphan) =>
      limit(async () => {
        if (isPermitted && !(await remove(context, site, opened, orphan))) isPermitted = false;
      }),
    ),
  );
}

/** Returns the orphans to remove first: the orphans that no other orphan in the list may still need. */
export function firstToGo(orphans: readonly ToRemove[]): readonly ToRemove[] {
  const stages: readonly (readonly OrphanKind[])[] = [
    ['instance'],
    ['volume', 'key-pair', 'security-group'],
    ['network'],
  ];
  for (const kinds of stages) {
    const members = orphans.filter(({ kind }) => kinds.includes(kind));
    if (members.length > 0) return members;
  }
  return [];
}

/** Makes one removal call. @returns false if the call gets no permit now */
async function remove(
  context: WorkerContext,
  site: SiteRef,
  opened: OpenConnection,
  orphan: ToRemove,
): Promise<boolean> {
  const { kind, backendId } = orphan;
  try {
    await removeAt(opened, site, orphan);
    return true;
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    if (error.code === 'NoPermit') return false;
    context.log.warn('an orphan could not be removed', {
      kind,
      backendId,
      code: error.code,
      message: error.message,
    });
    return true;
  }
}

async function removeAt(
  { client }: OpenConnection,
  { location }: SiteRef,
  { kind, backendId }: ToRemove,
): Promise<void> {
  switch (kind) {
    case 'instance':
      return await client.terminateInstance(location, backendId);
    case 'volume':
      if (has(client, 'volumes')) await client.deleteVolume(location, backendId);
      return;
    case 'key-pair':
      return await client.deleteKeyPair(location, backendId);
    case 'security-group':
      return await client.deleteSecurityGroup(location, backendId);
    case 'network':
      return await client.deleteNetwork(location, backendId);
  }
}
