import { volumesAt } from '../../../local/sim/engine/volumes.ts';
import type { Violation } from '../invariants/violation.ts';
import { isForeignAccount } from '../models/clouds.ts';
import type { Lab } from '../world/lab.ts';
import type { Protection } from './draw-protections.ts';

/**
 * Number of refused removals, and time in ms since the protection began, after which a record has to say why it stays.
 * Before that, the worker that knew may have died.
 */
const TOLD_AFTER_TRIES = 4;
const TOLD_AFTER_MS = 4 * 60_000;

/**
 * Protects things of this deployment against removal until `untilMs`. At the end, the record of each thing whose removal
 * was refused several times has to say so.
 */
export async function protect(
  lab: Lab,
  { cloud, things, most, atMs }: Protection,
  untilMs: number,
  violations: Violation[],
): Promise<void> {
  const { clouds, ground } = lab;
  const ids = ground.random.shuffle(idsOf(lab, cloud, things)).slice(0, most);
  const chosen = ids.filter((id) => !clouds.protectedIds.has(id));
  for (const id of chosen) clouds.protectedIds.set(id, 0);
  await ground.sleep(untilMs - atMs);
  const isLong = untilMs - atMs >= TOLD_AFTER_MS && lab.tables.down.size === 0;
  for (const id of chosen) {
    const tries = clouds.protectedIds.get(id) ?? 0;
    clouds.protectedIds.delete(id);
    if (isLong && tries >= TOLD_AFTER_TRIES) violations.push(...silence(lab, id, tries));
  }
}

function idsOf({ clouds, ground }: Lab, cloud: string, things: Protection['things']): string[] {
  const sites = clouds.sites.filter(({ key }) => key.cloud === cloud && !isForeignAccount(key.account));
  switch (things) {
    case 'machine':
      return clouds
        .machines()
        .filter((one) => one.cloud === cloud && one.ours !== undefined && one.status !== 'Terminated')
        .map(({ backendId }) => backendId);
    case 'network resource':
      return sites.flatMap(({ resources }) => [...resources.keys()]);
    case 'volume':
      return sites.flatMap((site) => volumesAt(site, ground.now()).map(({ backendId }) => backendId));
  }
}

/** Returns a violation if the record of the thing waits for its removal, and does not say that the removal fails. */
function silence({ tables }: Lab, backendId: string, tries: number): Violation[] {
  const record = tables.fleets
    .all()
    .find(
      (item) => item['backendId'] === backendId && /^(Terminating|Deleting)$/.test(String(item['status'])),
    );
  if (!record || record['stuck'] !== undefined) return [];
  const text = `the cloud refused ${tries} times to remove ${backendId}, and its record does not say why it stays`;
  return [{ kind: 'stuck', text }];
}
