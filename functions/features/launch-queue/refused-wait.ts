import { DEFAULT_INSTANCE_TIMEOUT_SECONDS } from '../../model/fleet-request.ts';
import { groupAt } from '../../platform/placement/lay-out.ts';
import type { PlacementItem } from '../../platform/store/placements.ts';
import type { WorkerContext } from '../../platform/worker/context.ts';

/**
 * Returns the time at which a launch fails that was never claimed and waits for its connection, in ms since 1970. Its time
 * limit begins with the refusal of the credential, or with its round at the site if that began later.
 *
 * @param refusedMs time since which the credential is known to be refused, in ms since 1970
 */
export async function waitEndsAtMs(
  { layout }: Pick<WorkerContext, 'layout'>,
  { fleetId, index }: { fleetId: string; index: number },
  { openedAtMs = 0 }: Pick<PlacementItem, 'openedAtMs'>,
  refusedMs: number,
): Promise<number> {
  const group = groupAt((await layout(fleetId)).placements, index)?.group;
  const limitSeconds = group?.instanceTimeoutSeconds ?? DEFAULT_INSTANCE_TIMEOUT_SECONDS;
  return Math.max(refusedMs, openedAtMs) + limitSeconds * 1_000;
}
