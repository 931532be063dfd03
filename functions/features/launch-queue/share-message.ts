import { isDeepStrictEqual } from 'node:util';
import { instanceId } from '../../model/identifiers.ts';
import {
  ACK,
  type MessageResult,
  requeueAfter,
  requeueAs,
  type WorkerContext,
} from '../../platform/worker/context.ts';
import { type LaunchMessage, MOST_POSITIONS } from '../../platform/workflow/messages.ts';
import type { Launch } from './attempt.ts';

/** A message for one launch or several, and the delay in ms after which it is to be delivered. */
export interface Delayed {
  message: LaunchMessage;
  waitMs: number;
}

/** Returns the launches of a message, each as a message of its own, without a task token. Pure. */
export function launchesIn({
  last,
  others = [],
  taskToken: _task,
  awaits: _awaits,
  ...message
}: LaunchMessage): LaunchMessage[] {
  const range = Array.from(
    { length: (last ?? message.index) - message.index + 1 },
    (_, at) => message.index + at,
  );
  return [...new Set([...range, ...others])].map((index) => ({ ...message, index }));
}

/** Returns the launches of a delivered message, each with the delivery of that message. Pure. */
export function unpack({ message, ...rest }: Launch): Launch[] {
  return launchesIn(message).map((one) => ({ ...rest, message: one }));
}

/**
 * Puts launches that wait for the same time, and for the same reason, into common messages, in the order of the
 * launches. Does not divide messages that already have several launches. Pure.
 *
 * @param most maximum number of positions in a message
 */
export function together(delayed: readonly Delayed[], most = MOST_POSITIONS): Delayed[] {
  const alike = Map.groupBy(delayed, ({ message: { index: _, others: _others, ...rest }, waitMs }) =>
    JSON.stringify([Math.ceil(Math.max(0, waitMs) / 1_000), Object.entries(rest).toSorted()]),
  );
  return [...alike.values()].flatMap((group) => inParts(group, most).flatMap(asOne));
}

function inParts(group: readonly Delayed[], most: number): Delayed[][] {
  const parts: Delayed[][] = [];
  let room = 0;
  for (const one of group) {
    const size = positionsOf(one).length;
    if (size <= room) parts.at(-1)?.push(one);
    else {
      parts.push([one]);
      room = most;
    }
    room -= size;
  }
  return parts;
}

/** Returns one message with all launches of these messages, or none if there are none. Pure. */
function asOne(group: readonly Delayed[]): Delayed[] {
  const [first] = group;
  if (!first) return [];
  const others = [...new Set(group.flatMap(positionsOf))].slice(1);
  const { others: _, ...message } = first.message;
  const waitMs = Math.max(...group.map((one) => one.waitMs));
  return [{ message: others.length > 0 ? { ...message, others } : message, waitMs }];
}

/**
 * Returns the messages of launches that wait. Launches that share a create call are not divided among messages: the
 * queue might deliver these to different workers, which would make several calls. Pure.
 *
 * @param most maximum number of positions in a message
 */
export function inCalls(
  waiting: readonly (Delayed & { call?: string | undefined })[],
  most = MOST_POSITIONS,
): Delayed[] {
  const calls = Map.groupBy(waiting, ({ call, message }) => call ?? `alone ${instanceId(message)}`);
  return together([...calls.values()].flatMap(asOne), most);
}

const positionsOf = ({ message: { index, others = [] } }: Delayed): number[] => [index, ...others];

/**
 * Sends the launches of a delivered message that are not done, in as few messages as possible.
 *
 * @param most maximum number of positions in a message
 * @param resultOf returns the result of one launch
 * @returns the result of the delivered message. It is done if every launch is done or has been sent
 */
export async function repack(
  context: Pick<WorkerContext, 'send'>,
  { message }: Launch,
  most: number,
  resultOf: (message: LaunchMessage) => MessageResult,
): Promise<MessageResult> {
  const left = launchesIn(message).flatMap((one) => {
    const result = resultOf(one);
    return result.done ? [] : [{ message: asLaunch(result) ?? one, waitMs: result.waitMs }];
  });
  const messages = together(left, most);
  const [own] = messages;
  // The task of a message is completed only when its launches have messages of their own.
  const within = new Set(launchesIn(message).map(({ index }) => index));
  // If this message takes launches of another one along, that one is acknowledged, and must find them sent.
  const isOwn = own !== undefined && positionsOf(own).every((index) => within.has(index));
  const kept = isOwn && message.taskToken === undefined ? own : undefined;
  await Promise.all(
    messages.filter((one) => one !== kept).map((one) => context.send(one.message, one.waitMs)),
  );
  if (!kept) return ACK;
  return isDeepStrictEqual(kept.message, message)
    ? requeueAfter(kept.waitMs)
    : requeueAs(kept.message, kept.waitMs);
}

/** Returns the message that takes the place of a launch; undefined: the launch itself is delivered again. */
function asLaunch({ as }: Extract<MessageResult, { done: false }>): LaunchMessage | undefined {
  if (as === undefined || as.kind === 'launch') return as;
  throw new TypeError(`a launch cannot become a message of kind ${as.kind}`);
}

export const idOf = ({ message }: { message: LaunchMessage }): string => instanceId(message);
