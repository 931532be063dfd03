import * as z from 'zod';
import { type DeniedCall, deniedCallSchema, MAX_DENIED_CALLS } from '../../model/denied-call.ts';
import { isoTime } from '../runtime/clock.ts';
import { healthKey, type Owner } from './keys.ts';
import type { Store } from './store.ts';
import { readVersioned, updateVersioned } from './versioned.ts';

const healthSchema = z.object({ calls: z.array(deniedCallSchema) });

const MOST_WORDS = 300;
/** A denial that follows an earlier one within this time is not recorded, so that writes are few. */
const QUIET_MS = 60_000;
const LONGEST_RETRY_MS = 30 * 60_000;

/** One denial, as a worker has seen it. */
export type Denial = Pick<DeniedCall, 'call' | 'code' | 'message'> & {
  location: string | undefined;
  /** True for a call that makes machines. The governor makes the time to each further such call longer. */
  isCreate: boolean;
};
export interface Called {
  call: string;
  location?: string | undefined;
}

export const isSameCall = (one: Called, other: Called): boolean =>
  one.call === other.call && one.location === other.location;

/** Returns true if a denial of the call was recorded within the last minute. */
export const isQuiet = ({ lastAt }: DeniedCall, nowMs: number): boolean =>
  nowMs < Date.parse(lastAt) + QUIET_MS;

/** Returns the denied calls of a connection, the latest first. */
export async function readDeniedCalls(store: Store<'governor'>, connection: Owner): Promise<DeniedCall[]> {
  const known = await readVersioned(store, healthKey(connection), healthSchema);
  return (known?.calls ?? []).toSorted((one, other) => (one.lastAt < other.lastAt ? 1 : -1));
}

/**
 * Records that the cloud denied a call. All workers together write at most once a minute for each call.
 *
 * @returns the denied calls of the connection
 */
export async function noteDenied(
  store: Store<'governor'>,
  connection: Owner,
  denial: Denial,
): Promise<DeniedCall[]> {
  return await updateVersioned(store, healthKey(connection), healthSchema, (current = { calls: [] }) => {
    const calls = withDenial(current.calls, denial, store.clock.now());
    return { state: calls === undefined ? undefined : { calls }, answer: calls ?? current.calls };
  });
}

/** Removes a call that the cloud has accepted. @returns the calls that are still denied */
export async function noteAccepted(
  store: Store<'governor'>,
  connection: Owner,
  called: Called,
): Promise<DeniedCall[]> {
  return await updateVersioned(store, healthKey(connection), healthSchema, (current = { calls: [] }) => {
    const calls = current.calls.filter((one) => !isSameCall(one, called));
    return { state: calls.length === current.calls.length ? undefined : { calls }, answer: calls };
  });
}

/**
 * Returns the denied calls with a further denial; undefined if nothing is to be written. If the list is full, the call
 * that was denied least recently is left out.
 */
export function withDenial(
  calls: readonly DeniedCall[],
  { call, location, code, message, isCreate }: Denial,
  nowMs: number,
): DeniedCall[] | undefined {
  const known = calls.find((one) => isSameCall(one, { call, location }));
  if (known && isQuiet(known, nowMs)) return undefined;
  const since = known?.since ?? isoTime(nowMs);
  // The governor doubles the time to each further try. The tries so far took as long as the next delay, less a minute.
  const nextMs = isCreate ? Math.min(LONGEST_RETRY_MS, nowMs - Date.parse(since) + QUIET_MS) : QUIET_MS;
  const denied = {
    call,
    ...(location === undefined ? {} : { location }),
    code,
    message: message.slice(0, MOST_WORDS),
    since,
    lastAt: isoTime(nowMs),
    nextTryAt: isoTime(nowMs + nextMs),
  };
  const others = calls.filter((one) => one !== known);
  const kept = others.toSorted((one, other) => (one.lastAt < other.lastAt ? 1 : -1));
  return [denied, ...kept.slice(0, MAX_DENIED_CALLS - 1)];
}
