import type { WorkerContext } from '../../platform/worker/context.ts';
import type { LaunchMessage } from '../../platform/workflow/messages.ts';
import { type Delayed, together } from './share-message.ts';

/** Takes a launch message that is to be sent without a delay. */
export type SendLaunch = (message: LaunchMessage) => Promise<void>;

/**
 * Does work that sends launches one by one, and sends these launches in as few messages as possible when the work ends,
 * also by an error. Launches that arrive in one message can share a create call. What the work does after a launch must
 * not depend on the message: the worker may die before it is sent.
 */
export async function sendTogether<Result>(
  context: Pick<WorkerContext, 'send'>,
  work: (send: SendLaunch) => Promise<Result>,
): Promise<Result> {
  const launches: Delayed[] = [];
  try {
    return await work(async (message) => {
      launches.push({ message, waitMs: 0 });
    });
  } finally {
    await Promise.all(together(launches).map(({ message, waitMs }) => context.send(message, waitMs)));
  }
}
