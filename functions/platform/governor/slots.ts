/**
 * Holders of slots, whose number limits the launches under way at a site: instance id → time from which the create call
 * may go out, in ms since 1970. For location slots: location → time at which the location slot was taken.
 */
export type Holders = Readonly<Record<string, number>>;

/**
 * Maximum number of launches under way at a site, for a cloud that has no slots. All of them are in one item, which
 * then has about 40 KB, and DynamoDB limits an item to 400 KB.
 */
export const MOST_HELD = 5_000;
/** Time after which a slot expires. A poll renews the slot earlier if the instance is still being created. */
export const SLOT_EXPIRY_MS = 60 * 60_000;
/**
 * Age from which a poll renews a slot, or a launch renews a location slot. The time between this age and
 * `SLOT_EXPIRY_MS` is larger than any difference between workers' clocks.
 */
export const RENEW_SLOT_MS = 10 * 60_000;

/** Returns the holders whose slots have not expired. */
export function heldNow(holders: Holders, nowMs: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(holders).filter(([, sinceMs]) => sinceMs + SLOT_EXPIRY_MS > nowMs),
  );
}

/** A slot that is given back. */
export interface ReleasedSlot {
  instanceId: string;
  /**
   * Start time of the permit that has ended. The slot is given back only if its permit still has this start time.
   * Absent: the slot is given back in any case.
   */
  startMs?: number | undefined;
}

/** Returns the holders whose slots are not given back. */
export function withoutReleased(holders: Holders, released: readonly ReleasedSlot[]): Record<string, number> {
  const over = new Map(released.map(({ instanceId, startMs }) => [instanceId, startMs]));
  return Object.fromEntries(
    Object.entries(holders).filter(([id, startMs]) => {
      const knownMs = over.get(id);
      return !over.has(id) || (knownMs !== undefined && knownMs !== startMs);
    }),
  );
}

/**
 * Renews the slots in `renewed` (instance id → start time) that still have that start time. Their new start time is
 * `nowMs`.
 *
 * @returns `holders` itself if nothing changes
 */
export function withRenewed<All extends Holders>(holders: All, renewed: Holders, nowMs: number): All {
  const standing = Object.keys(renewed).filter((id) => holders[id] === renewed[id]);
  if (standing.length === 0) return holders;
  return { ...holders, ...Object.fromEntries(standing.map((id) => [id, nowMs])) };
}

/** Gives slots to `wanted`, in order, while slots are free. A holder keeps its slot. */
export function grantSlots(
  holders: Holders,
  slots: number,
  nowMs: number,
  wanted: readonly string[],
): { granted: string[]; holders: Record<string, number> } {
  const next = heldNow(holders, nowMs);
  const granted = wanted.filter((holder) => {
    if (next[holder] !== undefined) return true;
    if (Object.keys(next).length >= slots) return false;
    next[holder] = nowMs;
    return true;
  });
  return { granted, holders: next };
}
