import { type MessageResult, requeueAs, type WorkerContext } from '../../platform/worker/context.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import type { Launch } from '../launch-queue/attempt.ts';

/** A launch message without the further launches that it carried. */
interface Carrying {
  launch: Launch;
  others: readonly LaunchMessage[];
}

/** Takes the further launches out of launch messages. Pure. */
export function unpack(launches: readonly Launch[]): Carrying[] {
  return launches.map(({ message: { others = [], ...message }, ...rest }) => ({
    launch: { ...rest, message },
    others: others.map((one) => ({ ...message, ...one })),
  }));
}

/**
 * Returns the message result of a launch message, after its launches were advanced. Launches that go on waiting
 * together stay in one message. Sends a message of its own for each other launch that is not done.
 *
 * @param resultOf returns the result of one launch
 */
export async function repack(
  context: Pick<WorkerContext, 'send'>,
  { launch, others }: Carrying,
  resultOf: (message: LaunchMessage) => MessageResult,
): Promise<MessageResult> {
  const own = resultOf(launch.message);
  const left = others.flatMap((message) => {
    const result = resultOf(message);
    return result.done ? [] : [{ message, ...result }];
  });
  const joins = !own.done && own.as === undefined ? left.filter(({ as }) => as === undefined) : [];
  const apart = left.filter((one) => !joins.includes(one));
  await Promise.all(apart.map(({ message, as, waitMs }) => context.send(as ?? message, waitMs)));
  if (own.done || own.as !== undefined || others.length === 0) return own;
  // The message without the launches that are done. If one of them is of the same instance, the next worker would take
  // it for the newer one again.
  if (joins.length === 0) return requeueAs(launch.message, own.waitMs);
  const together = joins.map(({ message: { index, round, taskToken } }) => ({ index, round, taskToken }));
  return requeueAs(
    { ...launch.message, others: together },
    Math.max(own.waitMs, ...joins.map(({ waitMs }) => waitMs)),
  );
}
