/** Who holds a slot, and from when on its call may go out, in milliseconds. */
export type Holders = Readonly<Record<string, number>>;

/** A slot whose holder never came back is free after this: longer than any boot that is waited for. */
export const SLOT_LEASE_MS = 30 * 60_000;

export function heldNow(holders: Holders, nowMs: number): Record<string, number> {
  return Object.fromEntries(Object.entries(holders).filter(([, sinceMs]) => sinceMs + SLOT_LEASE_MS > nowMs));
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
