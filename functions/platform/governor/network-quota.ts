import type { Store } from '../store/store.ts';
import { readVersioned, updateVersioned } from '../store/versioned.ts';
import { FORGOTTEN_MS, PROBE_MS } from './probes.ts';
import { createKey, type SiteKey } from './site.ts';
import { IDLE_SITE, type SiteState, siteStateSchema } from './site-state.ts';

const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 60_000;
const FIRST_ROUND = 1;
const MOST_FLEETS = 50;
const LONGEST_WORDS = 300;

/** A fleet that needs network resources at a site. */
export interface NetworkSeeker {
  fleetId: string;
  round: number;
}

/** `ask`: the fleet may call the cloud. Otherwise another fleet tests the quota, or the time of the next test is to come. */
export type NetworkAnswer = 'ask' | { message: string; sinceMs: number; nextTryAtMs: number };

/**
 * Asks whether a fleet may create network resources at a site. While their quota is used up, one fleet at a time tests
 * it, with growing delays. A later round of a fleet tests it immediately, because a user has requested that round.
 */
export async function askForNetwork(
  store: Store<'governor'>,
  site: SiteKey,
  { fleetId, round }: NetworkSeeker,
): Promise<NetworkAnswer> {
  const known = await readVersioned(store, createKey(site), siteStateSchema);
  if (!known?.networks) return 'ask';
  return await updateVersioned<SiteState, NetworkAnswer>(
    store,
    createKey(site),
    siteStateSchema,
    (current) => {
      const nowMs = store.clock.now();
      const closed = current?.networks;
      if (!current || !closed || closed.nextTryAtMs + FORGOTTEN_MS < nowMs)
        return { state: undefined, answer: 'ask' };
      const { message, sinceMs, nextTryAtMs, probe, askedIn } = closed;
      const isProbed = probe !== undefined && probe.untilMs > nowMs;
      if (isProbed && probe.instanceId === fleetId) return { state: undefined, answer: 'ask' };
      const isWish = round > (askedIn[fleetId] ?? FIRST_ROUND);
      if (isProbed || (nowMs < nextTryAtMs && !isWish))
        return { state: undefined, answer: { message, sinceMs, nextTryAtMs: Math.max(nextTryAtMs, nowMs) } };
      const others = Object.entries(askedIn).filter(([id]) => id !== fleetId);
      const networks = {
        ...closed,
        askedIn: Object.fromEntries([...others.slice(1 - MOST_FLEETS), [fleetId, round]]),
        probe: { instanceId: fleetId, untilMs: nowMs + PROBE_MS },
      };
      return { state: { ...current, networks }, answer: 'ask' };
    },
  );
}

/**
 * Records that a quota refused a network resource. Refusals of calls that went out together count once.
 *
 * @returns the time of the next test
 */
export async function closeNetworks(
  store: Store<'governor'>,
  site: SiteKey,
  { fleetId, round }: NetworkSeeker,
  message: string,
): Promise<number> {
  return await updateVersioned<SiteState, number>(
    store,
    createKey(site),
    siteStateSchema,
    (current = IDLE_SITE) => {
      const nowMs = store.clock.now();
      const known = current.networks;
      const isFurther = known && (known.probe?.instanceId === fleetId || nowMs >= known.nextTryAtMs);
      if (known && !isFurther) return { state: undefined, answer: known.nextTryAtMs };
      const delayMs = known ? Math.min(LONGEST_DELAY_MS, 2 * known.delayMs) : FIRST_DELAY_MS;
      const nextTryAtMs = nowMs + Math.round(delayMs * (0.75 + 0.25 * store.random()));
      const networks = {
        message: message.slice(0, LONGEST_WORDS),
        metBy: fleetId,
        sinceMs: known?.sinceMs ?? nowMs,
        nextTryAtMs,
        delayMs,
        askedIn: { ...known?.askedIn, [fleetId]: round },
      };
      return { state: { ...current, networks }, answer: nextTryAtMs };
    },
  );
}

/** Forgets that the quota of network resources was used up, after the cloud has created one. */
export async function openNetworks(store: Store<'governor'>, site: SiteKey): Promise<boolean> {
  const known = await readVersioned(store, createKey(site), siteStateSchema);
  if (!known?.networks) return false;
  return await updateVersioned<SiteState, boolean>(store, createKey(site), siteStateSchema, (current) => {
    if (!current?.networks) return { state: undefined, answer: false };
    const { networks: _open, ...rest } = current;
    return { state: rest, answer: true };
  });
}

/** Lets the next fleet test the quota immediately, after a network resource was removed at the site. */
export async function hastenNetworks(store: Store<'governor'>, site: SiteKey): Promise<void> {
  const known = await readVersioned(store, createKey(site), siteStateSchema);
  if (!known?.networks) return;
  await updateVersioned<SiteState, void>(store, createKey(site), siteStateSchema, (current) => {
    if (!current?.networks) return { state: undefined, answer: undefined };
    const networks = { ...current.networks, nextTryAtMs: store.clock.now(), delayMs: FIRST_DELAY_MS };
    return { state: { ...current, networks }, answer: undefined };
  });
}
