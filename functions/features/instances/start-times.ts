import { ACK, type MessageResult, timeLeftMs, type WorkerContext } from '../../platform/worker/context.ts';
import type { Attempt } from '../launch-queue/attempt.ts';
import { idOf, inCalls } from '../launch-queue/share-message.ts';

/** Message results of a batch of attempts, by instance id. */
export type Ended = Map<string, MessageResult>;

/** Size of the messages of a batch of attempts, and how often the attempts have waited for their start times here. */
export interface Terms {
  /** Maximum number of positions in a message. */
  most: number;
  waits: number;
}

/** An attempt that has a permit with a later start time. */
type Scheduled = Attempt & { fate: 'scheduled'; waitMs: number; call?: string };
/** An attempt that waits for its connection or for network resources. */
type Waiting = Attempt & { fate: 'waiting'; waitMs: number };

/** Shortest delay of a message, in ms. */
const SHORTEST_DELAY_MS = 1_000;
/** Maximum number of times that a launch waits in one worker. Its start time may move while it waits. */
const MOST_WAITS = 3;

/** Returns true if a launch starts sooner than a message could bring it back, and the worker has time to wait for it. */
export function isSoon(context: WorkerContext, { waitMs }: { waitMs: number }, { waits }: Terms): boolean {
  return waitMs < SHORTEST_DELAY_MS && waits < MOST_WAITS && timeLeftMs(context) > context.timeLimitMs / 2;
}

/** Waits until the start times of these launches, and advances them with `attempt`. */
export async function attemptSoon(
  context: WorkerContext,
  soon: readonly Scheduled[],
  { most, waits }: Terms,
  attempt: (started: readonly Attempt[], terms: Terms) => Promise<Ended>,
): Promise<Ended> {
  if (soon.length === 0) return new Map();
  await context.store.clock.sleep(Math.max(0, ...soon.map(({ waitMs }) => waitMs)));
  return await attempt(soon, { most, waits: waits + 1 });
}

/**
 * Sends each launch that has to wait, in messages that do not divide the launches of a call. A launch with a start time
 * comes back up to a second early, because delays are whole seconds. It then waits in the worker that receives it.
 */
export async function sendLater(
  context: WorkerContext,
  waiting: readonly (Scheduled | Waiting)[],
  most: number,
): Promise<Ended> {
  const messages = inCalls(waiting.map(roundedDown), most);
  await Promise.all(messages.map(({ message, waitMs }) => context.send(message, waitMs)));
  return new Map(waiting.map((one) => [idOf(one), ACK]));
}

function roundedDown(one: Scheduled | Waiting): Scheduled | Waiting {
  if (one.fate === 'waiting' || one.waitMs < SHORTEST_DELAY_MS) return one;
  return { ...one, waitMs: Math.floor(one.waitMs / SHORTEST_DELAY_MS) * SHORTEST_DELAY_MS };
}
