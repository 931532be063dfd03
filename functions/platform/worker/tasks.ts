import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { usage } from '../runtime/usage.ts';
import type { Tasks } from './context.ts';

/**
 * Errors of Step Functions for the token of a step that was completed already, or does not wait any more. They are
 * ignored.
 */
const SPENT = new Set(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken']);

/** Completes the tasks of workflow steps through Step Functions. */
export function openTasks(sfn: SFNClient): Tasks {
  /** Sends an answer to a step. @returns whether the step still waited */
  const answer = async (send: () => Promise<unknown>): Promise<boolean> => {
    usage.sfnRequests += 1;
    try {
      await send();
      return true;
    } catch (error) {
      if (error instanceof Error && SPENT.has(error.name)) return false;
      throw error;
    }
  };
  return {
    async succeed(taskToken, output) {
      await answer(() => sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) })));
    },
    async fail(taskToken, error, cause) {
      const command = new SendTaskFailureCommand({ taskToken, error, cause: cause.slice(0, 1_000) });
      await answer(() => sfn.send(command));
    },
    heartbeat: (taskToken) => answer(() => sfn.send(new SendTaskHeartbeatCommand({ taskToken }))),
  };
}
