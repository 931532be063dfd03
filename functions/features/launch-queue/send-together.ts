import type { WorkerContext } from '../../platform/worker/context.ts';
import { type Delayed, together } from './share-message.ts';

/**
 * Does work that sends launches one by one, and sends these launches in as few messages as possible when the work ends,
 * also by an error. Launches that arrive in one message can share a create call. All other messages are sent at once.
 */
export async function sendTogether<Context extends Pick<WorkerContext, 'send'>, Result>(
  context: Context,
  work: (context: Context) => Promise<Result>,
): Promise<Result> {
  const launches: Delayed[] = [];
  const collect: WorkerContext['send'] = async (message, waitMs) => {
    if (message.kind === 'launch') launches.push({ message, waitMs });
    else await context.send(message, waitMs);
  };
  try {
    return await work({ ...context, send: collect });
  } finally {
    await Promise.all(together(launches).map(({ message, waitMs }) => context.send(message, waitMs)));
  }
}
