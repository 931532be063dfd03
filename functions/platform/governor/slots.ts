/** Who holds a slot, and from when on its call may go out, in milliseconds. */
export type Holders = Readonly<Record<string, number>>;

/** A slot expires after this, unless it was given back or a poll saw its holder still being created. */
export const SLOT_EXPIRY_MS = 60 * 60_000;
/** Polls renew a slot, and launches a location, long before that ends, by any clock. */
export const RENEW_SLOT_MS = 10 * 60_000;

export function heldNow(holders: Holders, nowMs: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(holders).filter(([, sinceMs]) => sinceMs + SLOT_EXPIRY_MS > nowMs),
  );
}

/** A slot that is given back. */
export interface ReleasedSlot {
  instanceId: string;
  /** The time of the permit that is known to be over: another one stays. Absent: whichever it is. */
  startMs?: number | undefined;
}

/** The holders without those whose slots are given back. */
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
 * The holders with these as held from now on, as far as each still holds its slot by the same permit.
 *
 * @returns the same object where nothing changes
 */
export function withRenewed<All extends Holders>(holders: All, renewed: Holders, nowMs: number): All {
  const standing = Object.keys(renewed).filter((id) => holders[id] === renewed[id]);
  if (standing.length === 0) return holders;
  return { ...holders, ...Object.fromEntries(standing.map((id) => [id, nowMs])) };
}

/** Gives slots to `wanted`, in order, while there are any. Whoever holds one already keeps it. */
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
